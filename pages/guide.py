"""Help for classrooms: guided tours, the words that are used, a recorded run played again, a quiz against a network."""

from pages import _guide_glossary, _guide_quiz, _guide_replay, _guide_tours, parts

PARTS = {
    "tours": "Tours",
    "glossary": "Glossary",
    "replay": "Replay",
    "quiz": "Beat the network",
}
PART = {
    "tours": _guide_tours.show,
    "glossary": _guide_glossary.show,
    "replay": _guide_replay.show,
    "quiz": _guide_quiz.show,
}

parts.title("Guide")
PART[parts.tabs("Part", list(PARTS), "part", PARTS.__getitem__)]()
