"""The configuration keys of OCPP 1.6."""

from typing import ClassVar

from voltide.domain.messages import Json
from voltide.twin.blocks.block import Block


class Keys(Block):
    """Reads and writes them."""

    def _get(self, body: Json) -> Json:
        """Those that are named, or all; unknown ones are named in turn."""
        variables, asked = self.box.variables, body.get("key") or []
        spots = [(key, variables.key(key)) for key in asked] or [(one.row.key, one) for one in variables.spots()]
        known = [variables.as_key(spot) for _, spot in spots if spot is not None]
        unknown = [key for key, spot in spots if spot is None]
        return {"configurationKey": known or None, "unknownKey": unknown or None}

    def _change(self, body: Json) -> Json:
        spot = self.box.variables.key(body["key"])
        return {"status": "NotSupported" if spot is None else self.box.variables.write(spot, body["value"])}

    ACTS: ClassVar = {"ChangeConfiguration": _change, "GetConfiguration": _get}
