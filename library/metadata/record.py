"""What is written down about one book or edition, and how a call changes it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.metadata.decision import EvidenceValue, FieldState, decide
from library.models.metadata import EntityKind, Evidence, Field, MetadataChange, MetadataSource
from library.models.tables import now


class Entity(NamedTuple):
    """A book or an edition, by id."""

    kind: EntityKind
    id: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a source says of one field; the value must have passed `fields.check`."""

    field: str
    value: Any
    source: MetadataSource
    detail: str
    rank: int
    confidence: float = 1.0

    @property
    def key(self) -> "_Key":
        """What tells it from everything else that is said of its entity."""
        return self.field, self.source, self.detail


_Key = tuple[str, MetadataSource, str]


@dataclass(slots=True)
class Record:
    """The evidence and decided fields of one entity, with the values that changed since it was loaded."""

    session: AsyncSession
    entity: Entity
    actor: str
    evidence: dict[_Key, Evidence] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    _unwritten: list[Evidence | MetadataChange] = field(default_factory=list)

    def note(self, proposal: Proposal) -> None:
        """Write down what a source says; saying the same again does not make it newer."""
        said = (proposal.value, proposal.rank, proposal.confidence)
        row = self.evidence.get(proposal.key)
        if row is None:
            row = Evidence(entity_kind=self.entity.kind, entity_id=self.entity.id, fetched_at=now())
            row.field, row.source, row.detail = proposal.key
            self.evidence[proposal.key] = row
            self._unwritten.append(row)
        elif (row.value, row.rank, row.confidence) == said:
            return
        row.value, row.rank, row.confidence = said
        row.fetched_at = now()

    async def withdraw(self, *, scope: str, repeated: Collection[_Key], unread: Collection[str]) -> list[str]:
        """Forget what was said within `scope` and is not repeated; returns the fields that it was said of."""
        silent = [
            key
            for key in self.evidence
            if key[2].startswith(scope)
            and key[1] is not MetadataSource.USER
            and key not in repeated
            and key[2] not in unread
        ]
        for key in silent:
            await self.session.delete(self.evidence.pop(key))
        return [name for name, _, _ in silent]

    def decide(self, name: str) -> None:
        """Decide one field anew and keep what changed."""
        current = self.fields.get(name)
        decision = decide(self._heard(name), state_of(current) if current is not None else None)
        if decision is None:
            return
        if current is None:
            current = self._add_field(name)
        if current.value != decision.value:
            self._remember_change(name, current.value, decision.value, decision.source)
            current.decided_at = now()
        current.value, current.source = decision.value, decision.source
        current.detail, current.confidence = decision.detail, decision.confidence

    def is_locked(self, name: str) -> bool:
        """Whether nobody but a user may change a field."""
        return name in self.fields and self.fields[name].locked

    def set_lock(self, name: str, *, locked: bool) -> None:
        """Lock a field as it is, even when nobody has said anything of it, or unlock it."""
        row = self.fields.get(name)
        if row is None:
            if not locked:
                return
            row = self._add_field(name)
        row.locked = locked
        row.locked_by, row.locked_at = (self.actor, now()) if locked else (None, None)

    def take_unwritten(self) -> list[Evidence | MetadataChange]:
        """The new rows, for `write`."""
        rows, self._unwritten = self._unwritten, []
        return rows

    def _heard(self, name: str) -> list[EvidenceValue]:
        return [evidence_value(row) for key, row in self.evidence.items() if key[0] == name]

    def _add_field(self, name: str) -> Field:
        row = Field(entity_kind=self.entity.kind, entity_id=self.entity.id, name=name, value=None)
        row.source, row.detail, row.confidence, row.locked = MetadataSource.USER, "", 1.0, False
        row.decided_at = now()
        self.fields[name] = row
        self.session.add(row)
        return row

    def _remember_change(self, name: str, old: Any, new: Any, source: MetadataSource) -> None:
        self.changed[name] = new
        change = MetadataChange(entity_kind=self.entity.kind, entity_id=self.entity.id, field=name, actor=self.actor)
        change.old_value, change.new_value, change.source, change.changed_at = old, new, source, now()
        self._unwritten.append(change)


async def write(session: AsyncSession, records: Iterable[Record]) -> None:
    """Write what the records have gathered, by one statement for each table: a scan writes thousands of them."""
    await session.flush()
    unwritten = [row for record in records for row in record.take_unwritten()]
    for table in (Evidence, MetadataChange):
        columns = [column.key for column in table.__mapper__.column_attrs if column.key != "id"]
        rows = [{name: getattr(row, name) for name in columns} for row in unwritten if isinstance(row, table)]
        if rows:
            await session.execute(sa.insert(table), rows)


async def load(session: AsyncSession, entities: Iterable[Entity], actor: str) -> list[Record]:
    """Read what is written down about some entities, by two statements."""
    records = {entity: Record(session, entity, actor) for entity in entities}
    for evidence in await session.scalars(sa.select(Evidence).where(_is_of(Evidence, list(records)))):
        record = records[Entity(evidence.entity_kind, evidence.entity_id)]
        record.evidence[evidence.field, evidence.source, evidence.detail] = evidence
    for decided in await session.scalars(sa.select(Field).where(_is_of(Field, list(records)))):
        records[Entity(decided.entity_kind, decided.entity_id)].fields[decided.name] = decided
    return list(records.values())


def evidence_value(row: Evidence) -> EvidenceValue:
    """What `decide` needs of an evidence row."""
    return EvidenceValue(row.source, row.detail, row.rank, row.value, row.confidence, row.fetched_at)


def state_of(row: Field) -> FieldState:
    """What `decide` needs of a field row."""
    return FieldState(row.value, row.source, row.detail, row.confidence, row.locked)


def _is_of(table: type[Evidence] | type[Field], entities: Sequence[Entity]) -> sa.ColumnElement[bool]:
    return sa.or_(*(sa.and_(table.entity_kind == kind, table.entity_id == row_id) for kind, row_id in entities))
