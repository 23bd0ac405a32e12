"""All loaders of an operation: those of resolvers.loaders, and of searches and profiles, one for each edge."""

from functools import cached_property

import sqlalchemy as sa
from strawberry.dataloader import DataLoader

from library.models import Job, ProviderReport, QualityProfile, ReleaseSearch, UserQualityProfile
from resolvers.loaders import Loaders


class ReleaseLoaders(Loaders):
    """Adds the edges of searches and profiles."""

    @cached_property
    def quality_profile(self) -> DataLoader[int, QualityProfile | None]:
        """A quality profile by id."""
        return self._by_key(QualityProfile, QualityProfile.id)

    @cached_property
    def profile_of_user(self) -> DataLoader[int, list[QualityProfile]]:
        """The profile a user has chosen: a list of one, or of none."""
        chosen = sa.select(UserQualityProfile.user_id, QualityProfile).join(
            QualityProfile, QualityProfile.id == UserQualityProfile.quality_profile_id
        )
        return self._grouped(chosen, UserQualityProfile.user_id)

    @cached_property
    def job(self) -> DataLoader[int, Job | None]:
        """A job by id."""
        return self._by_key(Job, Job.id)

    @cached_property
    def release_search(self) -> DataLoader[int, ReleaseSearch | None]:
        """A search by id."""
        return self._by_key(ReleaseSearch, ReleaseSearch.id)

    @cached_property
    def reports_of_search(self) -> DataLoader[int, list[ProviderReport]]:
        """How each indexer answered a search, by name."""
        select = sa.select(ProviderReport.search_id, ProviderReport).order_by(
            ProviderReport.search_id, ProviderReport.provider
        )
        return self._grouped(select, ProviderReport.search_id)

    @cached_property
    def last_search_of_want(self) -> DataLoader[int, list[ReleaseSearch]]:
        """A want's newest search: a list of one, or of none."""
        other = sa.alias(ReleaseSearch.__table__)
        newest = sa.select(sa.func.max(other.c.id)).where(other.c.want_id == ReleaseSearch.want_id).scalar_subquery()
        select = sa.select(ReleaseSearch.want_id, ReleaseSearch).where(ReleaseSearch.id == newest)
        return self._grouped(select, ReleaseSearch.want_id)
