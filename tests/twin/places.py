"""Stations for tests."""

from voltide.domain.site import (
    Charger,
    ChargerId,
    Evse,
    EvseId,
    GridConnection,
    ModuleBank,
    Node,
    NodeId,
    Photovoltaics,
    Station,
    StationId,
    Storage,
    V2g,
)
from voltide.domain.units import Watts, kw, kwh

ROOT = NodeId("grid")


def evse(charger: str, number: int, charge_w: Watts, discharge_w: Watts = 0.0) -> Evse:
    return Evse(
        id=EvseId(f"{charger}-{number}"),
        charger=ChargerId(charger),
        number=number,
        charge_w=charge_w,
        discharge_w=discharge_w,
        fallback_w=kw(5),
    )


def pile(name: str, outlets: int, v2g: V2g) -> Charger:
    evses = tuple(evse(name, number + 1, kw(60), kw(60)) for number in range(outlets))
    return Charger(id=ChargerId(name), evses=evses, v2g=v2g)


def station(chargers: tuple[Charger, ...], cabinets: tuple[Node, ...] = ()) -> Station:
    taken = {outlet for node in cabinets for outlet in node.evses}
    rest = tuple(e.id for charger in chargers for e in charger.evses if e.id not in taken)
    root = Node(id=ROOT, kind="grid", parent=None, import_w=kw(3150), export_w=kw(2200), evses=rest, plant=True)
    return Station(
        id=StationId("test"),
        name="Test",
        name_zh="测试",
        latitude=22.6,
        longitude=114.0,
        timezone="Asia/Shanghai",
        connection=GridConnection(import_w=kw(3150), export_w=kw(2200), reserve_w=kw(20), other_load_max_w=kw(60)),
        nodes=(root, *cabinets),
        chargers=chargers,
        pv=Photovoltaics(peak_w=kw(152)),
        storage=Storage(capacity_wh=kwh(200), charge_w=kw(100), discharge_w=kw(100)),
    )


def small_station() -> Station:
    return station((pile("V01", 2, V2g.DYNAMIC),))


def lotus_hill() -> Station:
    """The layout of the reference station; fallbacks and limits are a test's own."""
    piles = [pile(f"V{n:02}", 2 if n <= 14 else 1, V2g.NEGATIVE_LIMIT if n > 16 else V2g.DYNAMIC) for n in range(1, 23)]
    hypers = [
        Charger(id=ChargerId(f"H{n}"), evses=(evse(f"H{n}", 1, kw(600)), evse(f"H{n}", 2, kw(250))))
        for n in range(1, 5)
    ]
    fast = Charger(id=ChargerId("F1"), evses=(evse("F1", 1, kw(120)), evse("F1", 2, kw(120))))
    cabinets = tuple(
        Node(
            id=NodeId(f"cabinet-{name}"),
            kind="cabinet",
            parent=ROOT,
            import_w=kw(960),
            export_w=0.0,
            evses=tuple(e.id for charger in pair for e in charger.evses),
            modules=ModuleBank(count=24, module_w=kw(40)),
        )
        for name, pair in (("A", hypers[:2]), ("B", hypers[2:]))
    )
    return station((*piles, *hypers, fast), cabinets)
