"""A station that grows by a charger: as a value, and while it runs.

A station that has grown is the station that would have been built with that charger in its file, outlets last. So the
new arrays are the old ones with something behind them, and nothing that runs is moved.
"""

from collections.abc import Iterable
from dataclasses import replace

from voltide.control.wiring import UnsafeStationError, Wiring
from voltide.domain.dossier import Dossier, Standing, node_of
from voltide.domain.site import Charger, ChargerId, NodeId, Station
from voltide.station.loop import Crew, Loop
from voltide.station.portrait import Portrait
from voltide.station.watch import Watch


def joined(station: Station, charger: Charger) -> Station:
    """The station with one charger more, under its grid connection."""
    root = next(node.id for node in station.nodes if node.parent is None)
    return replace(station, nodes=(*station.nodes, node_of(charger, root)), chargers=(*station.chargers, charger))


def with_accepted(station: Station, dossiers: Iterable[Dossier]) -> Station:
    """The station of a file with the chargers that were accepted since; what the file says of one comes first.

    Raises ``UnsafeStationError``, naming the charger, when they do not fit any more.
    """
    for dossier in sorted(dossiers, key=lambda one: (one.since, one.charger)):
        if dossier.standing is not Standing.ACCEPTED or dossier.pile is None or taken(station, dossier.charger):
            continue
        station = joined(station, dossier.pile.charger(dossier.charger))
        try:
            Wiring.of(station)
        except UnsafeStationError as error:
            raise UnsafeStationError(
                f"charger {dossier.charger!r}, which was accepted on the page, does not fit any more: {error}; "
                f"or take its right to connect: voltide charger remove {dossier.charger}"
            ) from error
    return station


def taken(station: Station, identity: ChargerId) -> bool:
    """Whether a station has a charger, or a limit, of this name already."""
    return identity in station.charger_of or NodeId(identity) in {node.id for node in station.nodes}


def extend(crew: Crew, loop: Loop, watch: Watch, portrait: Portrait, charger: Charger) -> None:
    """Take a charger in between two ticks; nothing in here waits, so no tick sees a half-grown station.

    Raises ``UnsafeStationError`` (invariant I5) before anything has changed.
    """
    station = joined(crew.station, charger)
    wiring = Wiring.of(station)
    crew.station, crew.wiring = station, wiring
    crew.chargers.extend(station)
    crew.sessions.extend(station)
    crew.setpoints.extend(station)
    crew.planner.extend(station, wiring)
    loop.extend()
    watch.extend()
    portrait.extend()
