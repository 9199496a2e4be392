"""Foreign chargers that know what Pending means: they say what they are, take a secret, and wait to be accepted."""

import asyncio

from ocpp.routing import after, on
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v21 import call as call21
from ocpp.v21 import call_result as result21

from tests.station.foreign import Charger16, Charger21, now

FOUND = [
    # component, variable, value, evse and connector, bounds
    ("EVSE", "Power", "0", {"id": 1}, {"unit": "W", "max_limit": 60000, "min_limit": -60000}),
    ("EVSE", "SupplyPhases", "3", {"id": 1}, {}),
    ("Connector", "Available", "true", {"id": 1, "connector_id": 1}, {}),
    ("EVSE", "Power", "0", {"id": 2}, {"unit": "W", "max_limit": 30000}),
    ("Connector", "Available", "true", {"id": 2, "connector_id": 1}, {}),
    ("SmartChargingCtrlr", "Enabled", "true", None, {}),
    ("V2XChargingCtrlr", "Enabled", "true", None, {}),
    ("V2XChargingCtrlr", "SupportedOperationModes", "ChargingOnly,CentralSetpoint", None, {}),
]


def item(component, name, value, evse, bounds):
    return {
        "component": {"name": component} | ({"evse": evse} if evse else {}),
        "variable": {"name": name},
        "variable_attribute": [{"value": value}],
        "variable_characteristics": {"data_type": "decimal", "supports_monitoring": False} | bounds,
    }


class Newcomer21(Charger21):
    """A 2.1 charger of somebody else, as it comes out of its box."""

    def __init__(self, name, socket):
        super().__init__(name, socket)
        self.secret, self.set, self.accepted, self.asked, self.interval = None, {}, asyncio.Event(), [], 1
        self.boots, self.told = [], []
        self.takes_secrets, self.stubborn, self.drops_at, self.dropped = True, False, None, False
        self.plate = {
            "model": "Twin 60",
            "vendor_name": "Foreign",
            "serial_number": "F-0001",
            "firmware_version": "1.2",
        }

    @on("SetChargingProfile")
    def profile(self, evse_id, charging_profile, **_):
        self.told.append(charging_profile["charging_profile_purpose"])
        if self.stubborn:
            return result21.SetChargingProfile(status="Rejected")
        return super().profile(evse_id, charging_profile)

    @on("GetBaseReport")
    def report(self, request_id, report_base, **_):
        self.asked.append(report_base)
        return result21.GetBaseReport(status="Accepted")

    @on("GetChargingProfiles")
    def profiles_held(self, **_):
        return result21.GetChargingProfiles(status="NoProfiles")

    @after("GetBaseReport")
    async def tell(self, request_id, report_base, **_):
        half = len(FOUND) // 2
        for seq, rows in enumerate((FOUND[:half], FOUND[half:])):
            await self.call(
                call21.NotifyReport(
                    request_id=request_id,
                    generated_at=now(),
                    seq_no=seq,
                    tbc=seq == 0,
                    report_data=[item(*row) for row in rows],
                )
            )

    @on("SetVariables")
    async def set_variables(self, set_variable_data, **_):
        done = []
        for one in set_variable_data:
            name = one["variable"]["name"]
            self.told.append(name)
            if name == self.drops_at:
                self.dropped = True
                await self._connection.close()
            takes = not self.stubborn and (name != "BasicAuthPassword" or self.takes_secrets)
            if takes and name == "BasicAuthPassword":
                self.secret = one["attribute_value"]
            if takes:
                self.set[name] = one["attribute_value"]
            status = "Accepted" if takes else "Rejected"
            done.append({"attribute_status": status, "component": one["component"], "variable": one["variable"]})
        return result21.SetVariables(set_variable_result=done)

    async def boot(self):
        answer = await self.call(call21.BootNotification(charging_station=self.plate, reason="PowerUp"))
        self.boots.append(answer.status)
        if answer.status == "Accepted":
            self.accepted.set()
        return answer

    async def boot_until_accepted(self):
        while (await self.boot()).status != "Accepted":
            await asyncio.sleep(self.interval)


class Newcomer16(Charger16):
    """A 1.6 charger of somebody else: it knows its connectors, and takes an AuthorizationKey."""

    def __init__(self, name, socket):
        super().__init__(name, socket)
        self.keys = {
            "NumberOfConnectors": "1",
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
            "ChargingScheduleAllowedChargingRateUnit": "Power",
        }
        self.secret, self.set, self.accepted, self.interval = None, {}, asyncio.Event(), 1
        self.boots = []

    @on("GetConfiguration")
    def tell(self, **_):
        return result16.GetConfiguration(
            configuration_key=[{"key": key, "readonly": True, "value": value} for key, value in self.keys.items()]
        )

    @on("ChangeConfiguration")
    def configure(self, key, value, **_):
        self.set[key] = value
        if key == "AuthorizationKey":
            self.secret = value
        return result16.ChangeConfiguration(status="Accepted")

    async def boot(self):
        answer = await self.call(
            call16.BootNotification(charge_point_model="Wall 11", charge_point_vendor="Elder", firmware_version="0.9")
        )
        self.boots.append(answer.status)
        if answer.status == "Accepted":
            self.accepted.set()
        return answer

    async def boot_until_accepted(self):
        while (await self.boot()).status != "Accepted":
            await asyncio.sleep(self.interval)
