"""What one charger may ask of us, and how many may stand at the door."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The door's limits."""

    frame_bytes: int = 65_536
    messages_per_s: float = 50.0
    ping_s: float = 20.0
    """Silence after which a charger is asked for a sign of life, and its time to give one."""
    open_s: float = 10.0
    """From the first packet to the end of the handshake."""
    handshakes: int = 64
    """Under way at once; with TLS each holds some 75 KiB."""
    patience_s: float = 1.5
    """Who takes longer for a handshake loses the place when others wait for it."""
    waiting: int = 1_024
    """Ready to shake hands; when more come, those who wait longest are told to come back later."""
    porch: int = 4_096
    """Connected, and have not said enough to be looked at."""
