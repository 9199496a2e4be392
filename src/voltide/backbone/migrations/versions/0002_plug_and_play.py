"""Tables for chargers that come by themselves: dossiers, certificates, what they told, and the security log."""

from alembic import op

from voltide.backbone.schema import metadata

revision = "0002"
down_revision = "0001"
_TABLES = ("next_secrets", "certificates", "dossiers", "told", "security_log")


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])


def downgrade() -> None:
    """Drop them."""
    metadata.drop_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])
