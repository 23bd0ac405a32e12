"""What a scan says of what is wrong."""

from library.scanning import errors
from library.scanning.errors import Problem, ScanError

_CAUSE = OSError(13, "Permission denied", "/secret/place/book.mp3")
_EXAMPLES = [
    errors.RootUnavailableError(_CAUSE),
    errors.FolderUnreadableError(_CAUSE),
    errors.NameNotTextError(),
    errors.FileUnreadableError(_CAUSE),
    errors.EmptyFileError(),
    errors.UnsupportedFormatError(".mka"),
    errors.UnreadableAudioError("mp3", ValueError("odd size")),
    errors.ReadingTimedOutError(30.0),
    errors.ReadingCrashedError(-11),
    errors.ReadingOutOfMemoryError(),
    errors.SidecarTooLargeError(10, 5),
    errors.SidecarBrokenError("JSON", ValueError("line 1")),
]


# Other modules have problems of their own with audio.
_OURS = {error for error in ScanError.__subclasses__() if error.__module__ == errors.__name__}


def test_every_error_has_its_own_code_and_a_sentence_without_absolute_paths() -> None:
    assert {type(error) for error in _EXAMPLES} == _OURS
    assert len({error.code for error in _EXAMPLES} - {ScanError.code}) == len(_EXAMPLES)
    assert [str(error) for error in _EXAMPLES if "/" in str(error) or not str(error).endswith(".")] == []


def test_every_class_is_drawn_in_the_tree() -> None:
    assert [error for error in _OURS if error.__name__ not in str(errors.__doc__)] == []


def test_an_error_becomes_a_problem_with_a_path_that_can_be_stored() -> None:
    problem = errors.EmptyFileError().problem("Caf\udce9/1.mp3")
    assert problem == Problem("Caf\\xe9/1.mp3", "EMPTY_FILE", "The file is empty; copy or download it again.")
