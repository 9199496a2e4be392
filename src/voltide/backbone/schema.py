"""The tables of one station's records. Moments are milliseconds since 1970, energies integer mWh, money integer fen."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

_Key = BigInteger().with_variant(Integer, "sqlite")

chargers = Table(
    "chargers",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("secret_mac", String(64), nullable=False),
    Column("profile", Integer, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    comment="Provisioned identities; of the secret only its keyed MAC is kept.",
)

charger_messages = Table(
    "charger_messages",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("charger", String(48), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("action", String(64), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("answer", Text, nullable=False),
    UniqueConstraint("charger", "message_id", "digest"),
    comment="Every message that a charger sent and that was answered, as it came.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("charger", String(48), nullable=False),
    Column("evse", String(64), nullable=False),
    Column("transaction_id", String(64), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("body", Text, nullable=False),
    UniqueConstraint("charger", "transaction_id"),
    Index("ix_sessions_phase", "phase"),
    Index("ix_sessions_started_at", "started_at"),
)

readings = Table(
    "readings",
    metadata,
    Column("session", String(40), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("import_mwh", BigInteger),
    Column("export_mwh", BigInteger),
    comment="The registers of a session's meter, as the charger gave them.",
)

facts = Table(
    "facts",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("key", String(160), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sent", Boolean, nullable=False),
    UniqueConstraint("key"),
    Index("ix_facts_sent", "sent"),
    comment="What happened, and the outbox: a relay publishes what is not sent yet.",
)

minutes = Table(
    "minutes",
    metadata,
    Column("at", BigInteger, primary_key=True),
    Column("body", Text, nullable=False),
)

postings = Table(
    "postings",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("batch", String(96), nullable=False),
    Column("account", String(96), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("source", String(96), nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("batch", "account", "kind"),
    comment="Double entry: the amounts of a batch sum to zero; rows are never changed.",
)

variables = Table(
    "variables",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("component", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("instance", String(64), primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("value", Text),
    comment="What a charger's device model said last.",
)

next_secrets = Table(
    "next_secrets",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("secret_mac", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    comment="Secrets on their way to a charger: all are good until it is known which one it has.",
)

next_profiles = Table(
    "next_profiles",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("profile", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    comment="Security profiles that chargers are moving to: both are good until they have come, or the time is over.",
)

certificate_names = Table(
    "certificate_names",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("name", String(48), nullable=False),
    comment="What stands in a charger's certificate, where it is not its identity: its serial number.",
)

errands = Table(
    "errands",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("what", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    comment="What an operator wants done at a charger that may be away: the station does it when the charger comes.",
)

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(64), primary_key=True),
    Column("charger", String(48), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("pem", Text, nullable=False),
    Index("ix_certificates_charger", "charger"),
    comment="Certificates that were issued to chargers; one that is revoked or out of date opens no door.",
)

dossiers = Table(
    "dossiers",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("standing", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    comment="What is known of each charger beyond its secret: who it says it is, and how far its welcome has come.",
)

told = Table(
    "told",
    metadata,
    Column("charger", String(48), primary_key=True),
    Column("kind", String(48), primary_key=True),
    Column("key", String(96), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    comment="What a charger last told of each thing it has: its updates, logs, monitors, displays, DER controls.",
)

security_log = Table(
    "security_log",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("charger", String(48), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_security_log_at", "at"),
    comment="Security events, the chargers' and the door's own; only ever added to.",
)
