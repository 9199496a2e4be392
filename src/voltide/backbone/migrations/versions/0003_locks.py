"""Tables for chargers that move: to another security profile, secret or software."""

from alembic import op

from voltide.backbone.schema import metadata

revision = "0003"
down_revision = "0002"
_TABLES = ("next_profiles", "certificate_names", "errands")


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])


def downgrade() -> None:
    """Drop them."""
    metadata.drop_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])
