"""Who may do what: one class per rule. A field without one of these fails the schema test."""

from typing import Any

from strawberry.permission import BasePermission

from library import accounts
from library.errors import Forbidden, Unauthenticated
from library.models.accounts import Role
from resolvers.context import Context, Info, Viewer


def has_role(viewer: Viewer | None, role: Role) -> bool:
    """Whether the viewer has at least this role."""
    return viewer is not None and accounts.covers(viewer.role, role)


def may_read(context: Context) -> bool:
    """Whether the library may be shown: to everybody signed in, and to all in the demo."""
    return context.demo or context.viewer is not None


def refuse(viewer: Viewer | None, role: Role) -> None:
    """Raise what fits: sign in first, or a higher role is needed."""
    if viewer is None:
        raise Unauthenticated
    raise Forbidden(role)


class Everybody(BasePermission):
    """Also those who are not signed in."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 the library's signature
        """Allow."""
        return True


class CanRead(BasePermission):
    """Everybody signed in, and anonymous visitors of the demo."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 the library's signature
        """Allow, or raise Unauthenticated."""
        if not may_read(info.context):
            raise Unauthenticated
        return True


class IsSignedIn(BasePermission):
    """Everybody signed in, whatever the role."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 the library's signature
        """Allow, or raise Unauthenticated."""
        if info.context.viewer is None:
            raise Unauthenticated
        return True


class IsMember(BasePermission):
    """MEMBER and ADMIN."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 the library's signature
        """Allow, or raise Unauthenticated or Forbidden."""
        if not has_role(info.context.viewer, Role.MEMBER):
            refuse(info.context.viewer, Role.MEMBER)
        return True


class IsAdmin(BasePermission):
    """ADMIN only."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 the library's signature
        """Allow, or raise Unauthenticated or Forbidden."""
        if not has_role(info.context.viewer, Role.ADMIN):
            refuse(info.context.viewer, Role.ADMIN)
        return True
