"""Example questions by meaning, each with the title of the demo book that answers it."""

from typing import NamedTuple


class ExampleQuestion(NamedTuple):
    """What a newcomer may ask `semanticSearch`, and the book to expect first."""

    question: str
    title: str


EXAMPLE_QUESTIONS: tuple[ExampleQuestion, ...] = (
    ExampleQuestion("a shipwrecked man learns to live alone", "Robinson Crusoe"),
    ExampleQuestion("a scientist brings a dead body to life and regrets it", "Frankenstein"),
    ExampleQuestion(
        "imprisoned for years, a sailor escapes and takes revenge on his betrayers", "The Count of Monte Cristo"
    ),
    ExampleQuestion("a captain obsessed with hunting a whale", "Moby-Dick"),
    ExampleQuestion("a boy raised by wolves in the jungle", "The Jungle Book"),
    ExampleQuestion("travelling to the far future in a machine", "The Time Machine"),
    ExampleQuestion("an orphan girl arrives at a farm that wanted a boy", "Anne of Green Gables"),
    ExampleQuestion("three ghosts visit a miser on Christmas Eve", "A Christmas Carol"),
    ExampleQuestion("a vampire from Transylvania comes to England", "Dracula"),
    ExampleQuestion("a family curse and a monstrous dog on the moor", "The Hound of the Baskervilles"),
    ExampleQuestion("pirates and a treasure map", "Treasure Island"),
    ExampleQuestion("a bet to go around the world in time", "Around the World in Eighty Days"),
    ExampleQuestion("a Roman emperor's advice on staying calm", "Meditations"),
    ExampleQuestion("ein Handlungsreisender erwacht als Ungeziefer", "Die Verwandlung"),
    ExampleQuestion("un hidalgo loco ve gigantes donde hay molinos", "Don Quijote de la Mancha"),
)
