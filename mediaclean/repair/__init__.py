"""What is wrong with a recording itself: clipping, clicks, hum and reverberation, found first and then mended.

A finder hears the sound before anything is decided; what it found becomes rows of the plan; the rows are all that a
stage needs to mend the sound again, as often as asked, and every sample outside of them passes bit by bit. Clipping,
clicks and hum are mended in the decoded sound, so that every later stage hears it mended; reverberation is taken from
the voice after separation.
"""
