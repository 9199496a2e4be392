import msgspec


class Message(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What every generated OCPP type is: named fields only, and no field the standard does not know."""
