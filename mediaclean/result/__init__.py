"""What is kept of a finished run, and a finished result done again: record, stems, page, patches."""
