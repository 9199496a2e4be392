"""Which chargers exist, and the keyed MAC of each one's secret. Works beside a running station."""

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import IntegrityError

from voltide.backbone import schema
from voltide.backbone.store import Row, rows


def add(engine: Engine, row: Row) -> bool:
    """A new charger; False when the identity is taken."""
    try:
        with engine.begin() as connection:
            connection.execute(schema.chargers.insert().values(**row))
    except IntegrityError:
        return False
    return True


def remove(engine: Engine, identity: str) -> bool:
    """Forget a charger; False when there was none."""
    with engine.begin() as connection:
        return connection.execute(delete(schema.chargers).where(schema.chargers.c.id == identity)).rowcount > 0


def all_of(engine: Engine) -> list[Row]:
    """Every charger, by identity."""
    return rows(engine, select(schema.chargers).order_by(schema.chargers.c.id))


def one(engine: Engine, identity: str) -> Row | None:
    """One charger."""
    found = rows(engine, select(schema.chargers).where(schema.chargers.c.id == identity))
    return found[0] if found else None
