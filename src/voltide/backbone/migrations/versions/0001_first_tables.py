"""The first tables of a station's records."""

from alembic import op

from voltide.backbone.schema import metadata

revision = "0001"
down_revision = None
_TABLES = (
    "chargers",
    "charger_messages",
    "sessions",
    "readings",
    "facts",
    "minutes",
    "postings",
    "variables",
)


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])


def downgrade() -> None:
    """Drop them."""
    metadata.drop_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])
