"""The message that makes up nearly all traffic, said without a detour: a transaction's meter sample in OCPP 2.

It says what ``ocpp.dialect`` says (a test compares them), an order of magnitude faster.
"""

from types import ModuleType

from voltide.domain.messages import Moment, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Watts
from voltide.ocpp.messages import Message, v21, v201


class _Words:
    """The types and constant parts of one version."""

    def __init__(self, types: ModuleType) -> None:
        self.types = types
        self.event = types.TransactionEventRequest
        self.updated = types.TransactionEventEnumType.updated
        self.triggers = {word.value: word for word in types.TriggerReasonEnumType}
        self.states = {word.value: word for word in types.ChargingStateEnumType}
        self.contexts = {word.value: word for word in types.ReadingContextEnumType}
        self.value, self.meter, self.info = types.SampledValueType, types.MeterValueType, types.TransactionType
        measurands, unit = types.MeasurandEnumType, types.UnitOfMeasureType
        self.import_wh = (measurands("Energy.Active.Import.Register"), unit(unit="Wh"))
        self.export_wh = (measurands("Energy.Active.Export.Register"), unit(unit="Wh"))
        self.power_in = (measurands("Power.Active.Import"), unit(unit="W"))
        self.power_out = (measurands("Power.Active.Export"), unit(unit="W"))
        self.soc = (measurands("SoC"), unit(unit="Percent"))
        self.voltage = (measurands("Voltage"), unit(unit="V"))
        self.evses = {number: types.EVSEType(id=number, connector_id=1) for number in range(1, 17)}


_WORDS = {OcppVersion.V201: _Words(v201), OcppVersion.V21: _Words(v21)}


def quick_event(version: OcppVersion, fact: TransactionTold) -> Message | None:
    """The message, or None when the fact is not of this plain kind."""
    words = _WORDS.get(version)
    if words is None or fact.moment is not Moment.UPDATED or fact.token is not None or len(fact.samples) != 1:
        return None
    sample, evse = fact.samples[0], words.evses.get(fact.evse or 0)
    plain = fact.remote_start_id is None and sample.signed is None and fact.flow is not None and fact.connector == 1
    if not plain or evse is None or fact.transaction_id is None or fact.flow is None:
        return None
    context = words.contexts[sample.context]
    facts = ((sample.import_wh, words.import_wh), (sample.export_wh, words.export_wh), _power(words, sample.power_w))
    percent = None if sample.soc is None else sample.soc * 100
    values = [
        words.value(value=int(value * 10) / 10, measurand=said[0], unit_of_measure=said[1], context=context)
        for value, said in (*facts, (percent, words.soc), (sample.voltage_v, words.voltage))
        if value is not None
    ]
    message: Message = words.event(
        event_type=words.updated,
        timestamp=stamp(fact.at),
        trigger_reason=words.triggers[fact.trigger or "MeterValuePeriodic"],
        seq_no=fact.seq_no or 0,
        transaction_info=words.info(transaction_id=fact.transaction_id, charging_state=words.states[fact.flow.value]),
        offline=fact.offline,
        evse=evse,
        meter_value=[words.meter(timestamp=stamp(sample.at), sampled_value=values)],
    )
    return message


def _power(words: _Words, power_w: Watts | None) -> tuple[Watts | None, tuple[object, object]]:
    """One signed power as one of two measurands."""
    if power_w is not None and power_w < 0.0:
        return -power_w, words.power_out
    return power_w, words.power_in
