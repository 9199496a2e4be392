"""Chargers built on the PyPI package ``ocpp``: somebody else's understanding of the same standard."""

import asyncio
import contextlib
from datetime import UTC, datetime

from ocpp.exceptions import NotImplementedError  # noqa: A004 - OCPP's own word
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Cp16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v21 import ChargePoint as Cp21
from ocpp.v21 import call as call21
from ocpp.v21 import call_result as result21
from ocpp.v201 import ChargePoint as Cp201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201


def now():
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Car:
    """What hangs at the outlet: follows the setpoint at once, with registers that run a hundred times too fast."""

    def __init__(self):
        self.setpoint_w = None
        self.import_wh, self.export_wh, self.soc = 1_000.0, 500.0, 60.0

    @property
    def power_w(self):
        return 5_000.0 if self.setpoint_w is None else self.setpoint_w

    def flow(self):
        if self.power_w > 0:
            self.import_wh += self.power_w / 36.0
        else:
            self.export_wh -= self.power_w / 36.0


class Charger16(Cp16):
    def __init__(self, name, socket):
        super().__init__(name, socket)
        self.car, self.profiles, self.transaction = Car(), [], None

    @on("SetChargingProfile")
    def profile(self, connector_id, cs_charging_profiles, **_):
        self.profiles.append(cs_charging_profiles)
        if cs_charging_profiles["charging_profile_purpose"] == "TxProfile":
            self.car.setpoint_w = cs_charging_profiles["charging_schedule"]["charging_schedule_period"][0]["limit"]
        return result16.SetChargingProfile(status="Accepted")

    @on("ChangeConfiguration")
    def configure(self, **_):
        return result16.ChangeConfiguration(status="Accepted")

    @on("TriggerMessage")
    def trigger(self, **_):
        return result16.TriggerMessage(status="NotImplemented")

    @on("RemoteStopTransaction")
    def stop(self, transaction_id, **_):
        self.stop_asked = transaction_id
        return result16.RemoteStopTransaction(status="Accepted")

    async def boot(self):
        return await self.call(call16.BootNotification(charge_point_model="Old", charge_point_vendor="Foreign"))

    async def plug_in(self):
        told = call16.StartTransaction(
            connector_id=1, id_tag="CARD1", meter_start=round(self.car.import_wh), timestamp=now()
        )
        answer = await self.call(told)
        self.transaction = answer.transaction_id
        return answer

    async def update(self):
        self.car.flow()
        values = [
            {"value": f"{self.car.import_wh / 1000:.3f}", "measurand": "Energy.Active.Import.Register", "unit": "kWh"},
            {"value": f"{self.car.power_w:.1f}", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        await self.call(
            call16.MeterValues(
                connector_id=1,
                transaction_id=self.transaction,
                meter_value=[{"timestamp": now(), "sampled_value": values}],
            )
        )

    async def unplug(self):
        return await self.call(
            call16.StopTransaction(
                transaction_id=self.transaction, meter_stop=round(self.car.import_wh), timestamp=now(), id_tag="CARD1"
            )
        )


class _Charger2:
    """What 2.0.1 and 2.1 share; ``words`` and ``answers`` are the package's modules of the version."""

    words = call201
    answers = result201

    def __init__(self, name, socket):
        super().__init__(name, socket)
        self.car, self.profiles, self.updates, self.seq = Car(), [], [], 0
        self.transaction = f"tx-{name}-{id(self)}"

    @on("SetVariables")
    def set_variables(self, set_variable_data, **_):
        done = [
            {"attribute_status": "Accepted", "component": d["component"], "variable": d["variable"]}
            for d in set_variable_data
        ]
        return self.answers.SetVariables(set_variable_result=done)

    @on("TriggerMessage")
    def trigger(self, **_):
        return self.answers.TriggerMessage(status="NotImplemented")

    @on("SetChargingProfile")
    def profile(self, evse_id, charging_profile, **_):
        self.profiles.append(charging_profile)
        if charging_profile["charging_profile_purpose"] == "TxProfile":
            period = charging_profile["charging_schedule"][0]["charging_schedule_period"][0]
            self.car.setpoint_w = period.get("setpoint", period.get("limit"))
        return self.answers.SetChargingProfile(status="Accepted")

    @on("RequestStopTransaction")
    def stop(self, transaction_id, **_):
        self.stop_asked = transaction_id
        return self.answers.RequestStopTransaction(status="Accepted")

    async def boot(self):
        return await self.call(
            self.words.BootNotification(charging_station={"model": "New", "vendor_name": "Foreign"}, reason="PowerUp")
        )

    async def event(self, kind, trigger="MeterValuePeriodic", state="Charging", **more):
        self.car.flow()
        power, measurand = self.car.power_w, "Power.Active.Import"
        if power < 0:
            power, measurand = -power, "Power.Active.Export"
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        values = [
            {"value": self.car.import_wh, "measurand": "Energy.Active.Import.Register", "context": context},
            {"value": self.car.export_wh, "measurand": "Energy.Active.Export.Register", "context": context},
            {"value": power, "measurand": measurand, "context": context},
            {"value": self.car.soc, "measurand": "SoC", "context": context},
        ]
        told = self.words.TransactionEvent(
            event_type=kind,
            timestamp=now(),
            trigger_reason=trigger,
            seq_no=self.seq,
            transaction_info={"transaction_id": self.transaction, "charging_state": state, **more.pop("info", {})},
            evse={"id": 1, "connector_id": 1},
            meter_value=[{"timestamp": now(), "sampled_value": values}],
            **more,
        )
        self.seq += 1
        return await self.call(told)

    async def plug_in(self):
        return await self.event(
            "Started", "CablePluggedIn", "EVConnected", id_token={"id_token": "CARD2", "type": "ISO14443"}
        )

    async def update(self):
        await self.event("Updated")

    async def unplug(self):
        return await self.event("Ended", "EVDeparted", "Idle", info={"stopped_reason": "EVDisconnected"})


class Charger201(_Charger2, Cp201):
    pass


class Charger21(_Charger2, Cp21):
    words = call21
    answers = result21

    async def _handle_call(self, msg):
        if msg.action not in self.route_map:  # of 2.1 the package says nothing at all to what it does not know
            raise NotImplementedError(description=msg.action)
        return await super()._handle_call(msg)

    @on("UpdateDynamicSchedule")
    def dynamic(self, charging_profile_id, schedule_update, **_):
        self.updates.append(schedule_update)
        self.car.setpoint_w = schedule_update.get("setpoint", schedule_update.get("limit"))
        return result21.UpdateDynamicSchedule(status="Accepted")

    async def needs(self, departure):
        return await self.call(
            call21.NotifyEVChargingNeeds(
                evse_id=1,
                charging_needs={
                    "requested_energy_transfer": "DC_BPT",
                    "departure_time": departure.isoformat().replace("+00:00", "Z"),
                    "v2x_charging_parameters": {
                        "max_charge_power": 60000.0,
                        "max_discharge_power": 50000.0,
                        "ev_target_energy_request": 12000.0,
                        "ev_min_v2x_energy_request": -30000.0,
                        "target_soc": 80,
                    },
                    "dc_charging_parameters": {
                        "ev_max_current": 200,
                        "ev_max_voltage": 500,
                        "state_of_charge": 60,
                        "ev_energy_capacity": 60000,
                        "energy_amount": 12000,
                    },
                },
            )
        )


@contextlib.asynccontextmanager
async def on_the_line(kind, name, socket):
    """A foreign charger that listens in the background."""
    charger = kind(name, socket)
    listening = asyncio.create_task(charger.start())
    try:
        yield charger
    finally:
        listening.cancel()
        await socket.close()
        await asyncio.gather(listening, return_exceptions=True)


async def run_until(charger, true, seconds=25.0):
    """Send meter values until something is so."""
    async with asyncio.timeout(seconds):
        while not true():
            await charger.update()
            await asyncio.sleep(0.3)
