"""Schema migrations (Alembic), for SQLite and Postgres."""
