"""The tables of a station's TOML file: every key, its type, its bounds and its default."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from voltide.domain import site

Power = Annotated[float, Meta(ge=0, le=1e9, description="W, from 0 to 1e9")]
Limit = Annotated[float, Meta(gt=0, le=1e9, description="W, above 0, at most 1e9")]
Share = Annotated[float, Meta(ge=0, le=1, description="a fraction from 0 to 1")]
Seconds = Annotated[float, Meta(gt=0, le=86_400, description="s, above 0, at most a day")]
Price = Annotated[float, Meta(ge=-100, le=100, description="yuan per kWh, from -100 to 100")]
Cost = Annotated[float, Meta(ge=0, le=100, description="yuan per kWh, from 0 to 100")]
Name = Annotated[str, Meta(min_length=1, max_length=48)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; a key that it does not know is an error."""


class ConnectionTable(_Table, frozen=True, kw_only=True):
    """[station.connection]."""

    import_w: Limit
    export_w: Power
    reserve_w: Power
    other_load_max_w: Power


class PvTable(_Table, frozen=True, kw_only=True):
    """[station.pv]."""

    peak_w: Limit
    tilt_deg: Annotated[float, Meta(ge=0, le=90)] = 10.0
    azimuth_deg: Annotated[float, Meta(ge=0, le=360)] = 180.0


class StorageTable(_Table, frozen=True, kw_only=True):
    """[station.storage]."""

    capacity_wh: Limit
    charge_w: Limit
    discharge_w: Limit
    soc_min: Share = 0.1
    soc_max: Share = 0.95
    eta_charge: Annotated[float, Meta(gt=0, le=1)] = 0.96
    eta_discharge: Annotated[float, Meta(gt=0, le=1)] = 0.96


class StationTable(_Table, frozen=True, kw_only=True):
    """[station]."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
    name: Name
    name_zh: Name | UnsetType = UNSET
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    timezone: Name
    connection: ConnectionTable
    pv: PvTable | UnsetType = UNSET
    storage: StorageTable | UnsetType = UNSET


class ModulesTable(_Table, frozen=True, kw_only=True):
    """modules = { … } of a cabinet."""

    count: Annotated[int, Meta(ge=1, le=1000)]
    module_w: Limit
    hold_s: Seconds = 60.0


class NodeTable(_Table, frozen=True, kw_only=True):
    """[[node]]."""

    id: Name
    kind: Name
    parent: Name | UnsetType = UNSET
    import_w: Limit
    export_w: Power
    plant: bool = False
    modules: ModulesTable | UnsetType = UNSET


class OutletTable(_Table, frozen=True, kw_only=True):
    """outlets = [{ … }] of a pile."""

    charge_w: Limit
    discharge_w: Power = 0.0
    fallback_w: Power


class PileTable(_Table, frozen=True, kw_only=True):
    """[[pile]]."""

    ids: Annotated[list[str], Meta(min_length=1)]
    parent: Name | UnsetType = UNSET
    outlets: Annotated[list[OutletTable], Meta(min_length=1, max_length=64)]
    v2g: site.V2g = site.V2g.NONE
    amperes: bool = False
    import_w: Limit | UnsetType = UNSET
    export_w: Power | UnsetType = UNSET


class PeriodTable(_Table, frozen=True, kw_only=True):
    """[[tariff.period]]."""

    name: Name
    from_: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = msgspec.field(name="from")
    to: Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
    charge: Price
    feed_in: Price
    grid_buy: Price
    grid_sell: Price


class TariffTable(_Table, frozen=True, kw_only=True):
    """[tariff]."""

    service_fee: Price = 0.0
    period: Annotated[list[PeriodTable], Meta(min_length=1)]


class RulesTable(_Table, frozen=True, kw_only=True):
    """[rules]."""

    discharge_in: list[str] = []
    wait_in: list[str] = []
    floor_soc: Share = 0.3


class PlanTable(_Table, frozen=True, kw_only=True):
    """[plan]."""

    optimise: bool = True
    wear: Cost = 0.1
    least_margin: Cost = 0.05
    storage_wear: Cost = 0.05


class Listen(StrEnum):
    """What a listener of the charger door asks for: the security profiles of OCPP, by name."""

    OPEN = "open"
    """0: nothing at all."""
    BASIC = "basic"
    """1: a password."""
    TLS = "tls"
    """2: a password, under TLS."""
    MUTUAL_TLS = "mutual-tls"
    """3: the charger's own certificate, under TLS."""

    @property
    def profile(self) -> int:
        """The number of the security profile."""
        return list(Listen).index(self)


class DoorTable(_Table, frozen=True, kw_only=True):
    """[door]."""

    host: Name = "127.0.0.1"
    listen: tuple[Listen, ...] = (Listen.BASIC, Listen.TLS, Listen.MUTUAL_TLS)
    ocpp_port: Port = 9000
    tls_port: Port = 9001
    mtls_port: Port = 9002
    open_port: Port = 9003
    web_port: Port = 8080
    max_frame_bytes: Annotated[int, Meta(ge=4096, le=4_194_304)] = 65_536
    messages_per_s: Annotated[float, Meta(gt=0, le=1000)] = 50.0
    ping_s: Seconds = 20.0
    sample_s: Annotated[int, Meta(ge=1, le=15)] = 15
    lease_s: Annotated[float, Meta(ge=10, le=60)] = 60.0
    offline_lease_s: Annotated[float, Meta(ge=5, le=60)] = 10.0
    tokens: tuple[str, ...] = ("*",)
    newcomers: bool = False
    quirks: str = ""


class PkiTable(_Table, frozen=True, kw_only=True):
    """[pki]."""

    organisation: Annotated[str, Meta(min_length=0, max_length=64)] = ""
    names: tuple[str, ...] = ()
    certificate_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    server: tuple[str, ...] = ()
    client_roots: str = ""
    outside: str = ""
    outside_user: str = ""
    ocsp: tuple[str, ...] = ()
    private_networks: tuple[str, ...] = ()
    tls_roots: str = ""
    v2g_roots: str = ""
    v2g_signer: str = ""
    contracts: str = ""
    v2g_user: str = ""


class FirmwareTable(_Table, frozen=True, kw_only=True):
    """[firmware]."""

    approvers: tuple[str, ...] = ()


class BackboneTable(_Table, frozen=True, kw_only=True):
    """[backbone]."""

    keep_messages_days: Annotated[int, Meta(ge=1, le=3660)] = 90


class OperationsTable(_Table, frozen=True, kw_only=True):
    """[operations]."""

    log_places: tuple[str, ...] = ()


class File(_Table, frozen=True, kw_only=True):
    """A station's whole file. ``world`` belongs to the twins and is theirs to read."""

    station: StationTable
    node: list[NodeTable] = []
    pile: Annotated[list[PileTable], Meta(min_length=1)]
    tariff: TariffTable
    rules: RulesTable = RulesTable()
    plan: PlanTable = PlanTable()
    door: DoorTable = DoorTable()
    pki: PkiTable = PkiTable()
    firmware: FirmwareTable = FirmwareTable()
    backbone: BackboneTable = BackboneTable()
    operations: OperationsTable = OperationsTable()
    world: dict[str, Any] = {}
