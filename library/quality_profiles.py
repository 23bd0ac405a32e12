"""Quality profiles as rows: whose rules judge the releases of a want or of a search."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import next_version
from library.errors import BadInput, Conflict, NotFound
from library.models.releases import QualityProfile, UserQualityProfile, Want, WantState
from library.models.tables import now
from library.pagination import Keyset, SortKey
from library.releases import profiles as rules_of
from library.scanning.cleaning import clean_line

LONGEST_NAME = 60
_USER = "user:"


class UnusableProfileName(BadInput):
    """A name that is empty or too long."""

    def __init__(self) -> None:
        super().__init__(f"The name of a quality profile must have between 1 and {LONGEST_NAME} characters.")


class ProfileNameTaken(Conflict):
    """A name that another profile has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is another quality profile {name!r} already. Give this one another name.")


class ProfileInUse(Conflict):
    """A profile that wants still go by."""

    def __init__(self, profile: QualityProfile, wants: int) -> None:
        super().__init__(
            f"{profile.name!r} is the profile of {wants} wants. Give them another profile, or remove them first."
        )


async def get(session: AsyncSession, profile_id: int) -> QualityProfile:
    """The profile with this id; raises NotFound."""
    profile = await session.get(QualityProfile, profile_id, populate_existing=True)
    if profile is None:
        raise NotFound("quality profile", profile_id)
    return profile


def by_name() -> Keyset:
    """All profiles, by name."""
    return Keyset(sa.select(QualityProfile), (SortKey(QualityProfile.name), SortKey(QualityProfile.id)))


async def create(session: AsyncSession, name: str, rules: Mapping[str, Any], *, created_by: str) -> QualityProfile:
    """Make a profile; what `rules` leave out is as by default. Raises BadInput or ProfileNameTaken."""
    checked = rules_of.QualityProfile.from_json(rules)
    profile = QualityProfile(name=await _free_name(session, name), rules=checked.to_json(), created_by=created_by)
    session.add(profile)
    await session.flush()
    return profile


async def update(
    session: AsyncSession, profile_id: int, *, name: str | None = None, rules: Mapping[str, Any] | None = None
) -> QualityProfile:
    """Change a profile; what is left out stays as it is. Raises NotFound, BadInput or ProfileNameTaken."""
    profile = await get(session, profile_id)
    if name is not None:
        profile.name = await _free_name(session, name, besides=profile_id)
    if rules is not None:
        profile.rules = rules_of.QualityProfile.from_json(overridden(profile.rules, rules)).to_json()
    profile.updated_at = now()
    await session.flush()
    return profile


async def remove(session: AsyncSession, profile_id: int) -> QualityProfile:
    """Forget a profile; users who had chosen it are back at the default. Raises NotFound or ProfileInUse."""
    profile = await get(session, profile_id)
    of_profile = Want.quality_profile_id == profile_id
    alive = sa.select(sa.func.count()).where(of_profile, Want.state != WantState.CLOSED)
    if wants := await session.scalar(alive):
        raise ProfileInUse(profile, wants)
    await session.execute(sa.update(Want).where(of_profile).values(quality_profile_id=None))
    await session.delete(profile)
    await session.flush()
    return profile


async def set_for_user(session: AsyncSession, user_id: int, profile_id: int | None) -> QualityProfile | None:
    """Choose the profile of a user's wants and searches that name none; None is the default. Raises NotFound."""
    profile = await get(session, profile_id) if profile_id is not None else None
    chosen = await session.get(UserQualityProfile, user_id)
    if profile is None:
        await session.execute(sa.delete(UserQualityProfile).where(UserQualityProfile.user_id == user_id))
    elif chosen is None:
        session.add(UserQualityProfile(user_id=user_id, quality_profile_id=profile.id))
    else:
        chosen.quality_profile_id = profile.id
    await session.flush()
    return profile


async def of_user(session: AsyncSession, user_id: int) -> QualityProfile | None:
    """The profile a user has chosen, if any."""
    chosen = sa.select(QualityProfile).join(UserQualityProfile)
    return await session.scalar(chosen.where(UserQualityProfile.user_id == user_id))


async def effective(
    session: AsyncSession, *, want: Want | None = None, profile_id: int | None = None, actor: str = ""
) -> rules_of.QualityProfile:
    """The rules that hold: those of the want over its profile, else over its user's, else over the default.

    `profile_id` takes the place of the want's profile, and `actor` ("user:7") that of its user where there is no want.
    Raises NotFound.
    """
    chosen = profile_id or (want.quality_profile_id if want is not None else None)
    user_id = user_of(want.created_by if want is not None else actor)
    if chosen is not None:
        profile: QualityProfile | None = await get(session, chosen)
    else:
        profile = await of_user(session, user_id) if user_id is not None else None
    return combined(profile, want)


def combined(profile: QualityProfile | None, want: Want | None) -> rules_of.QualityProfile:
    """A want's own rules over those of a profile, over the default."""
    own = (want.rules if want is not None else None) or {}
    return rules_of.QualityProfile.from_json(overridden(profile.rules if profile is not None else {}, own))


def overridden(rules: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Rules with some of them replaced; of the weights only those that are given."""
    merged = {**rules, **own}
    if isinstance(weights := own.get("weights"), Mapping):
        merged["weights"] = {**rules.get("weights", {}), **weights}
    return merged


def user_of(actor: str) -> int | None:
    """The id of the user behind an actor; None for the operator and the system."""
    number = actor.removeprefix(_USER)
    return int(number) if actor.startswith(_USER) and number.isdigit() else None


async def _free_name(session: AsyncSession, name: str, *, besides: int = 0) -> str:
    wanted = clean_line(name[: 10 * LONGEST_NAME])
    if not 1 <= len(wanted) <= LONGEST_NAME:
        raise UnusableProfileName
    await next_version(session, "quality-profiles")  # two at once shall not both find the name free
    with session.no_autoflush:
        other = await session.scalar(sa.select(QualityProfile.id).where(QualityProfile.name == wanted))
    if other is not None and other != besides:
        raise ProfileNameTaken(wanted)
    return wanted
