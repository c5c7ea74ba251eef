"""The artefact ledger: what a listener would object to in the result, where, and how bad it is.

Detectors compare the result with the original, which is always there, and with the separated voice and the bed's
gain. Where nothing was changed there are no marks.
"""

from mediaclean.ledger.pages import Grounds, judge, pages_of, sound_of
from mediaclean.ledger.records import KINDS, WORDS, Kind, Ledger, LedgerSettings, Mark, Repair

__all__ = [
    "KINDS",
    "WORDS",
    "Grounds",
    "Kind",
    "Ledger",
    "LedgerSettings",
    "Mark",
    "Repair",
    "judge",
    "pages_of",
    "sound_of",
]
