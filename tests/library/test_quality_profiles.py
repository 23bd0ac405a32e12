"""Quality profiles: named once, changed rule by rule, chosen by users, and kept while wants go by them."""

import pytest

from library import quality_profiles, wants
from library.database import Database
from library.errors import NotFound
from library.models import User
from library.models.accounts import Role
from library.quality_profiles import ProfileInUse, ProfileNameTaken, UnusableProfileName
from library.releases import DEFAULT_PROFILE, ProfileInvalid
from tests.shelf import Volume, add


async def test_a_profile_is_made_and_changed_rule_by_rule(database: Database) -> None:
    async with database.write() as session:
        rules = {"formats": ["mp3"], "weights": {"format": 30.0}}
        made = await quality_profiles.create(session, "  Small   files ", rules, created_by="user:1")
        changed = await quality_profiles.update(session, made.id, rules={"weights": {"title": 40.0}})
    kept = quality_profiles.combined(changed, None)
    assert (changed.name, kept.formats, kept.weights.format, kept.weights.title, kept.weights.author) == (
        "Small files",
        ("mp3",),
        30.0,
        40.0,
        20.0,
    )


async def test_impossible_profiles_are_refused(database: Database) -> None:
    async with database.write() as session:
        made = await quality_profiles.create(session, "One", {}, created_by="user:1")
        for name in ("", "   ", "x" * 61):
            with pytest.raises(UnusableProfileName):
                await quality_profiles.create(session, name, {}, created_by="user:1")
        with pytest.raises(ProfileNameTaken):
            await quality_profiles.create(session, "One", {}, created_by="user:2")
        with pytest.raises(ProfileInvalid, match="formats"):
            await quality_profiles.update(session, made.id, rules={"formats": ["epub"]})
        with pytest.raises(NotFound):
            await quality_profiles.update(session, 99, name="Two")
        assert (await quality_profiles.update(session, made.id, name="One")).name == "One"


async def test_a_user_s_profile_judges_until_it_is_removed(database: Database) -> None:
    async with database.write() as session:
        user = User(name="ada", role=Role.MEMBER)
        session.add(user)
        await session.flush()
        user_id, actor = user.id, f"user:{user.id}"
        first, second = [
            (await quality_profiles.create(session, name, {"min_seeders": number}, created_by=actor)).id
            for number, name in enumerate(("First", "Second"), 5)
        ]
        for chosen in (first, second, second):
            await quality_profiles.set_for_user(session, user_id, chosen)
        assert (await quality_profiles.effective(session, actor=actor)).min_seeders == 6
        assert (await quality_profiles.effective(session, actor=actor, profile_id=first)).min_seeders == 5
        await quality_profiles.remove(session, second)
        session.expire_all()
        assert await quality_profiles.effective(session, actor=actor) == DEFAULT_PROFILE
        await quality_profiles.set_for_user(session, user_id, first)
        await quality_profiles.set_for_user(session, user_id, None)
        assert await quality_profiles.of_user(session, user_id) is None


async def test_a_profile_stays_while_a_want_goes_by_it(database: Database) -> None:
    async with database.write() as session:
        profile = await quality_profiles.create(session, "Mine", {}, created_by="user:1")
        book_id = await add(session, Volume("Treasure Island"))
        want = (await wants.want(session, book_id, created_by="user:1", profile_id=profile.id)).want
        with pytest.raises(ProfileInUse, match="1 wants"):
            await quality_profiles.remove(session, profile.id)
        await wants.unwant(session, want.id)
        await quality_profiles.remove(session, profile.id)
        assert (await wants.get(session, want.id)).quality_profile_id is None
