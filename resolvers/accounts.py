"""Who is signed in, and the tokens that speak for them."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from library import accounts, models
from library.errors import Forbidden, NotFound
from library.models.accounts import Role, TokenKind
from library.models.tables import now
from library.pagination import Page
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.context import Viewer as ViewerValue
from resolvers.descriptions import describe_enum
from resolvers.errors import BadInputError, NotFoundError, UnauthenticatedError
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import Everybody, IsSignedIn, has_role

_DEFAULT_DAYS = 365

describe_enum(
    Role,
    "What a viewer may do; each role may do what the one before may.",
    {
        Role.VIEWER: "Read.",
        Role.MEMBER: "Edit metadata, want and request books, see own jobs.",
        Role.ADMIN: "Everything.",
    },
    name="Role",
)


@strawberry.type(description="A token that lets a program speak for a user. The secret itself is shown only once.")
class ApiToken(Node):
    """A row of tokens."""

    name: str = strawberry.field(description="What it is for.")
    role: Role = strawberry.field(description="What it may do; never more than its user.")
    hint: str = strawberry.field(description="The secret's first characters, to tell tokens apart.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")

    @classmethod
    def of(cls, row: models.Token) -> "ApiToken":
        """View a row."""
        return cls(
            id=encode_id("ApiToken", row.id),
            name=row.name,
            role=row.role,
            hint=row.hint,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


@strawberry.type(description="Whoever is asking.")
class Viewer:
    """The signed-in user."""

    name: str = strawberry.field(description="The user's name.")
    role: Role = strawberry.field(description="What this sign-in may do.")
    expires_at: datetime | None = strawberry.field(description="When this sign-in ends; null for the operator's token.")
    value: strawberry.Private[ViewerValue]

    @classmethod
    def of(cls, viewer: ViewerValue) -> "Viewer":
        """View the context's viewer."""
        return cls(name=viewer.name, role=viewer.role, expires_at=viewer.expires_at, value=viewer)

    @strawberry.field(description="API tokens: a user's own, all for administrators; newest first.")
    async def api_tokens(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiToken]:
        """A page of tokens."""
        keyset = accounts.tokens(user_id=_owner_filter(self.value))
        return await connect(info, keyset, Page.of(first, after, last, before), ApiToken.of)


async def api_token_by_id(info: Info, token_id: int) -> ApiToken | None:
    """For `node(id:)`: a user's own, any for administrators."""
    async with info.context.database.read() as session:
        row = await session.get(models.Token, token_id)
    viewer = info.context.viewer
    if row is None or viewer is None or row.kind is not TokenKind.API:
        return None
    return ApiToken.of(row) if _owner_filter(viewer) in (None, row.user_id) else None


@strawberry.type
class AccountQuery:
    """Root fields over accounts."""

    @strawberry.field(description="Who is asking; null when nobody is signed in.", permission_classes=[Everybody])
    def viewer(self, info: Info) -> Viewer | None:
        """The context's viewer."""
        viewer = info.context.viewer
        return Viewer.of(viewer) if viewer is not None else None


@strawberry.input(description="A token to exchange for a browser session.")
class SignInInput:
    """A secret."""

    token: str = strawberry.field(description="An API token.")


@strawberry.input(description="A new token.")
class CreateApiTokenInput:
    """Name, role, lifetime."""

    name: str = strawberry.field(description="What it is for, so that it can be told apart later.")
    role: Role = strawberry.field(default=Role.VIEWER, description="What it may do; never more than its user.")
    expires_in_days: int = strawberry.field(default=_DEFAULT_DAYS, description="After how many days it ends.")


@strawberry.input(description="A token to end.")
class RevokeApiTokenInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The token's id.")


@strawberry.type(description="A session has begun; its cookie came with the answer.")
class SignInPayload:
    """The viewer."""

    viewer: Viewer = strawberry.field(description="Who is signed in now.")


@strawberry.type(description="The session has ended.")
class SignOutPayload:
    """Whether there was one."""

    signed_out: bool = strawberry.field(description="Whether a session was there to end.")


@strawberry.type(description="A new token with its secret.")
class CreateApiTokenPayload:
    """Token and secret."""

    api_token: ApiToken = strawberry.field(description="The token.")
    secret: str = strawberry.field(description="What to send as `Authorization: Bearer …`. It is shown only now.")


@strawberry.type(description="A token that works no more.")
class RevokeApiTokenPayload:
    """The token."""

    api_token: ApiToken = strawberry.field(description="The token; open sockets that use it close within seconds.")


SignInResult = Annotated[
    SignInPayload | UnauthenticatedError,
    strawberry.union("SignInResult", description="Who is signed in, or why nobody."),
]
CreateApiTokenResult = Annotated[
    CreateApiTokenPayload | BadInputError,
    strawberry.union("CreateApiTokenResult", description="The token, or why there is none."),
]
RevokeApiTokenResult = Annotated[
    RevokeApiTokenPayload | NotFoundError,
    strawberry.union("RevokeApiTokenResult", description="The token, or why it cannot be revoked."),
]


@strawberry.type
class AccountMutation:
    """Mutations of sessions and tokens."""

    @strawberry.mutation(
        description="Exchange an API token for a browser session: an HttpOnly cookie that scripts cannot read.",
        permission_classes=[Everybody],
    )
    async def sign_in(
        self,
        info: Info,
        input: Annotated[SignInInput, strawberry.argument(description="The token.")],  # noqa: A002 the contract's name
    ) -> SignInResult:
        """Begin a session with the token's rights."""
        async with info.context.database.write() as session:
            known = await accounts.authenticate(session, input.token, kinds=(TokenKind.API,))
            lifetime = min(accounts.SESSION_LIFETIME, known.token.expires_at - now())
            issued = await accounts.create_token(
                session, known.user, kind=TokenKind.SESSION, name="browser", role=known.role, lifetime=lifetime
            )
        info.context.session.cookie = issued.secret
        token = issued.token
        viewer = ViewerValue(known.user.id, known.user.name, known.role, token.id, token.expires_at, by_cookie=True)
        return SignInPayload(viewer=Viewer.of(viewer))

    @strawberry.mutation(description="End this session.", permission_classes=[IsSignedIn])
    async def sign_out(self, info: Info) -> SignOutPayload:
        """Revoke the session's token and take back its cookie."""
        viewer = info.context.viewer
        if viewer is None or viewer.token_id is None or not viewer.by_cookie:
            return SignOutPayload(signed_out=False)
        async with info.context.database.write() as session:
            await accounts.revoke(session, viewer.token_id)
        info.context.session.signed_out = True
        return SignOutPayload(signed_out=True)

    @strawberry.mutation(
        description="Make a token for a program. Its secret is shown only in this answer.",
        permission_classes=[IsSignedIn],
    )
    async def create_api_token(
        self,
        info: Info,
        input: Annotated[CreateApiTokenInput, strawberry.argument(description="Which token.")],  # noqa: A002 the contract's name
    ) -> CreateApiTokenResult:
        """Give out a token with at most the rights of the one that asks."""
        viewer = info.context.viewer
        if not has_role(viewer, input.role):
            raise Forbidden(input.role)
        async with info.context.database.write() as session:
            user_id = viewer.user_id if viewer is not None else None
            user = await (accounts.get_user(session, user_id) if user_id else accounts.ensure_owner(session))
            issued = await accounts.create_token(
                session,
                user,
                kind=TokenKind.API,
                name=input.name,
                role=input.role,
                lifetime=timedelta(days=max(-1, min(input.expires_in_days, 100_000))),
            )
        return CreateApiTokenPayload(api_token=ApiToken.of(issued.token), secret=issued.secret)

    @strawberry.mutation(
        description="End a token at once: a user's own, any for administrators.", permission_classes=[IsSignedIn]
    )
    async def revoke_api_token(
        self,
        info: Info,
        input: Annotated[RevokeApiTokenInput, strawberry.argument(description="Which token.")],  # noqa: A002 the contract's name
    ) -> RevokeApiTokenResult:
        """Revoke it."""
        viewer = info.context.viewer
        if viewer is None:
            raise NotFound("API token", input.id)
        token_id = decode_id_of("ApiToken", input.id)
        async with info.context.database.write() as session:
            row = await accounts.revoke(session, token_id, user_id=_owner_filter(viewer))
        return RevokeApiTokenPayload(api_token=ApiToken.of(row))


def _owner_filter(viewer: ViewerValue) -> int | None:
    """None for those who may see everybody's tokens."""
    return None if has_role(viewer, Role.ADMIN) else viewer.user_id
