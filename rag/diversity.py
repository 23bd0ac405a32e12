"""Results that are not all of one kind: whoever asks for books like one does not ask for one shelf."""

from collections import Counter
from collections.abc import Collection, Hashable, Sequence


def spread(groups: Sequence[Collection[Hashable]], first: int, most: int) -> list[int]:
    """Choose the places of `first` results so that no more than `most` are of one group, as far as there are others.

    `groups` says of each result, best first, which groups it is of. What is over its group's share comes behind
    the others, so that nothing is lost and a small collection is shown as it is.
    """
    taken: Counter[Hashable] = Counter()
    kept: list[int] = []
    over: list[int] = []
    for place, own in enumerate(groups):
        if all(taken[group] < most for group in own):
            kept.append(place)
            taken.update(own)
        else:
            over.append(place)
    return (kept + over)[:first]
