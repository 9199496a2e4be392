"""Writes a station's programme: the formulation, block by block.

Unknown for every car and step: power in and, where the car may give, power out and the energy after the step. A car
that only charges needs one row for its whole stay, since its energy only rises. At the connection: bought, sold, sun.
Everything wanted is soft, so that standing still is always an answer, and no problem is infeasible.

Money inside is a thousandth of a yuan: the solver's tolerance on prices is absolute, and must stay far below the least
of them, which makes early charging win among equal plans.
"""

import numpy as np

from voltide.planning.layout import KILO, NOWHERE, Layout, Limits, Stays
from voltide.planning.problem import Array, Problem, Reserve
from voltide.planning.programme import Draft, Index, Programme

MONEY = 1000.0
EARLY = 1e-6
"""Yuan per kWh by which charging at the horizon's end seems dearer: a day of 10 MWh is off by at most a fen."""


class Writer:
    """One problem being written down."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.draft = Draft()
        self.stays = Stays.of(problem)
        self.hours = problem.hours
        count = np.arange(1, problem.steps + 1)
        self.penalty: Array = np.zeros(0)
        self.early = EARLY * count / problem.steps

    def write(self) -> tuple[Programme, Layout]:
        """Everything, in one order that depends on nothing but the problem's shape."""
        charge, discharge, energy = self._cars()
        short = self._needs(charge, energy)
        self._hazards(energy)
        balance, (bought, sold, sun, beyond) = self._connection()
        battery = self._battery(balance)
        turn = self._turns(bought, sold, beyond)
        self._peak(bought, beyond)
        self._events(bought, sold, beyond)
        self._flows(balance[self.stays.step], charge, discharge, self.stays.weight[self.stays.car])
        limits = Limits.of(self.problem)
        layout = Layout(
            stays=self.stays,
            limits=limits,
            charge=charge,
            discharge=discharge,
            energy=energy,
            short=short,
            bought=bought,
            sold=sold,
            beyond=beyond,
            penalty=self.penalty,
            sun=sun,
            battery=battery,
            balance=balance,
            limit_rows=self._limits(limits, charge, discharge),
            turn=turn,
        )
        if self.problem.reserve is not None:
            self._reserve(self.problem.reserve, layout)
        return self.draft.programme(), layout

    def _flows(self, row: Index, charge: Index, discharge: Index, factor: Array) -> None:
        """A car's power into rows: in minus out."""
        self.draft.put(row, charge, factor)
        gives = discharge != NOWHERE
        self.draft.put(row[gives], discharge[gives], -factor[gives])

    def _cars(self) -> tuple[Index, Index, Index]:
        stays, draft = self.stays, self.draft
        car, hours = stays.car, stays.hours
        step_cost = self.early[stays.step]
        taken = (stays.wear * stays.eta_charge)[car] + step_cost
        given = (stays.wear / stays.eta_discharge)[car] + EARLY + self.problem.least_margin
        mass = stays.weight[car] * hours * MONEY
        charge = draft.columns(len(car), taken * mass, 0.0, stays.charge_kw[car])
        gives = (stays.discharge_kw > 0.0)[car]
        tracked = gives | np.array([one.hazard is not None for one in self.problem.cars], dtype=bool)[car]
        discharge, energy = np.full(len(car), NOWHERE, dtype=np.int32), np.full(len(car), NOWHERE, dtype=np.int32)
        most_out = stays.discharge_kw[car]
        if self.problem.may_give is not None:
            most_out = most_out * self.problem.may_give[stays.step]
        discharge[gives] = draft.columns(int(gives.sum()), (given * mass)[gives], 0.0, most_out[gives])
        at = np.flatnonzero(tracked)
        energy[at] = draft.columns(len(at), 0.0, stays.floor_kwh[car[at]], stays.cap_kwh[car[at]])
        begins = at == stays.first[car[at]]
        known = np.where(begins, stays.energy_kwh[car[at]], 0.0)
        rows = draft.rows(len(at), known, known)
        draft.carry(rows, energy[at])
        draft.put(rows, energy[at], 1.0)
        draft.put(rows[~begins], energy[at[~begins] - 1], -1.0)
        draft.put(rows, charge[at], -(hours * stays.eta_charge[car])[at])
        both = gives[at]
        draft.put(rows[both], discharge[at[both]], (hours / stays.eta_discharge[car])[at[both]])
        return charge, discharge, energy

    def _needs(self, charge: Index, energy: Index) -> Index:
        """What is there when a car leaves, plus what is short, less what is above: what is due within reach."""
        stays, draft = self.stays, self.draft
        here = np.flatnonzero(stays.count > 0)
        last = stays.first[here] + stays.count[here] - 1
        tracked = energy[last] != NOWHERE if len(here) else np.zeros(0, dtype=bool)
        due = np.maximum(stays.reach_kwh, stays.floor_kwh)[here]
        due = np.where(tracked, due, np.maximum(due, stays.energy_kwh[here]))
        cost = (stays.shortfall * np.array([car.priority for car in self.problem.cars]))[here]
        most = np.where(tracked, due - stays.floor_kwh[here], due - stays.energy_kwh[here])
        short = np.full(len(stays.count), NOWHERE, dtype=np.int32)
        short[here] = draft.columns(len(here), cost * stays.weight[here] * MONEY, 0.0, most)
        left = np.array([min(car.end_value, car.shortfall) for car in self.problem.cars])[here]
        worth = -left * stays.weight[here] * MONEY
        above = draft.columns(len(here), worth, 0.0, np.maximum(stays.cap_kwh[here] - due, 0.0))
        begun = np.where(tracked, 0.0, stays.energy_kwh[here])
        rows = draft.rows(len(here), due - begun, due - begun)
        draft.carry(rows, short[here])
        draft.put(rows, short[here], 1.0)
        draft.put(rows, above, -1.0)
        draft.put(rows[tracked], energy[last[tracked]], 1.0)
        row_of = np.full(len(stays.count), NOWHERE, dtype=np.int32)
        row_of[here[~tracked]] = rows[~tracked]
        plain = np.flatnonzero(row_of[stays.car] != NOWHERE)
        car = stays.car[plain]
        draft.put(row_of[car], charge[plain], stays.hours[plain] * stays.eta_charge[car])
        return short

    def _hazards(self, energy: Index) -> None:
        """Whoever may leave early costs what would then be short, as likely as it is."""
        stays, draft = self.stays, self.draft
        for place, car in enumerate(self.problem.cars):
            if car.hazard is None or stays.count[place] == 0:
                continue
            mine = stays.first[place] + np.arange(stays.count[place] - 1)
            price = car.hazard[stays.step[mine]] * car.shortfall * car.priority * car.weight * MONEY
            gained = np.cumsum(stays.hours[mine]) * stays.charge_kw[place] * stays.eta_charge[place]
            due = np.minimum(stays.reach_kwh[place], stays.energy_kwh[place] + gained)
            rows = draft.rows(len(mine), due)
            draft.put(rows, energy[mine], 1.0)
            draft.put(rows, draft.columns(len(mine), price), 1.0)

    def _connection(self) -> tuple[Index, tuple[Index, Index, Index, Index]]:
        """Cars + battery - sun - bought + sold = -load, at each step."""
        problem, draft, steps, mass = self.problem, self.draft, self.problem.steps, self.hours * MONEY
        rows = draft.rows(steps, -problem.load_w / KILO, -problem.load_w / KILO)
        bought = draft.columns(steps, problem.price_buy * mass, 0.0, problem.import_limit_w / KILO)
        sold = draft.columns(steps, -problem.price_sell * mass, 0.0, problem.export_limit_w / KILO)
        sun = draft.columns(steps, 0.0, 0.0, problem.pv_w / KILO)
        draft.carry(rows, bought)
        for columns, sign in ((bought, -1.0), (sold, 1.0), (sun, -1.0)):
            draft.put(rows, columns, sign)
        beyond = np.zeros(0, dtype=np.int32)
        if problem.excess_w.any():
            self.penalty = self._dearest() * mass
            cost = problem.price_buy * mass + self.penalty
            beyond = draft.columns(steps, cost, 0.0, problem.excess_w / KILO)
            draft.put(rows, beyond, -1.0)
        return rows, (bought, sold, sun, beyond)

    def _dearest(self) -> float:
        """A price above whatever a kWh could be worth here: what passes the limit is the least that can be."""
        problem = self.problem
        money = [
            float(np.abs(problem.price_buy).max() + np.abs(problem.price_sell).max()),
            problem.demand_charge / float(self.hours.min()),
            *(event.pay + event.penalty for event in problem.events),
            *(
                (car.shortfall * max(car.priority, 1.0) + car.end_value + 2.0 * car.wear) / car.eta_discharge
                for car in problem.cars
            ),
        ]
        worst = [car.eta_charge * car.eta_discharge for car in problem.cars if car.discharge_w > 0.0]
        if problem.battery is not None:
            battery = problem.battery
            money.append((2.0 * battery.wear + abs(battery.end_value)) / battery.eta_discharge)
            worst.append(battery.eta_charge * battery.eta_discharge)
        return min(1e7, 10.0 * (1.0 + sum(money[:2]) + max(money[2:], default=0.0) * 2.0) / min(worst, default=1.0))

    def _battery(self, balance: Index) -> tuple[Index, Index, Index]:
        battery, draft, steps = self.problem.battery, self.draft, self.problem.steps
        if battery is None:
            nothing = np.zeros(0, dtype=np.int32)
            return nothing, nothing, nothing
        taken = (battery.wear * battery.eta_charge + self.early) * self.hours * MONEY
        given = (battery.wear / battery.eta_discharge + EARLY) * self.hours * MONEY
        value = np.zeros(steps)
        value[-1] = -battery.end_value * MONEY
        into = draft.columns(steps, taken, 0.0, battery.charge_w / KILO)
        out = draft.columns(steps, given, 0.0, battery.discharge_w / KILO)
        energy = draft.columns(steps, value, battery.floor_wh / KILO, battery.cap_wh / KILO)
        known = np.zeros(steps)
        known[0] = battery.energy_wh / KILO
        rows = draft.rows(steps, known, known)
        draft.carry(rows, energy)
        draft.put(rows, energy, 1.0)
        draft.put(rows[1:], energy[:-1], -1.0)
        draft.put(rows, into, -self.hours * battery.eta_charge)
        draft.put(rows, out, self.hours / battery.eta_discharge)
        draft.put(balance, into, 1.0)
        draft.put(balance, out, -1.0)
        return into, out, energy

    def _turns(self, bought: Index, sold: Index, beyond: Index) -> Index:
        """Where selling pays more, a step either buys or sells: the hull of the two, whole numbers if need be."""
        problem, draft, steps = self.problem, self.draft, self.problem.steps
        turn = np.full(steps, NOWHERE, dtype=np.int32)
        at = np.flatnonzero(problem.price_sell > problem.price_buy)
        if not len(at):
            return turn
        most_in, most_out = self._reach()
        turn[at] = draft.columns(len(at), 0.0, 0.0, 1.0)
        buys = draft.rows(len(at), -np.inf, 0.0)
        draft.put(buys, bought[at], 1.0)
        draft.put(buys, turn[at], -most_in[at])
        if len(beyond):
            draft.put(buys, beyond[at], 1.0)
        sells = draft.rows(len(at), -np.inf, most_out[at])
        draft.put(sells, sold[at], 1.0)
        draft.put(sells, turn[at], most_out[at])
        return turn

    def _reach(self) -> tuple[Array, Array]:
        """The most that each step could buy, and sell."""
        problem, stays = self.problem, self.stays
        car, steps = stays.car, problem.steps
        taken = np.bincount(stays.step, (stays.weight * stays.charge_kw)[car], steps)
        given = np.bincount(stays.step, (stays.weight * stays.discharge_kw)[car], steps)
        battery = problem.battery
        more, less = (battery.charge_w / KILO, battery.discharge_w / KILO) if battery is not None else (0.0, 0.0)
        load, limit = problem.load_w / KILO, np.maximum(problem.import_limit_w, problem.load_w) / KILO
        most_out = np.minimum(problem.export_limit_w / KILO, problem.pv_w / KILO + given + less - load)
        return np.minimum(limit, load + taken + more), np.maximum(most_out, 0.0)

    def _peak(self, bought: Index, beyond: Index) -> None:
        problem, draft = self.problem, self.draft
        if problem.demand_charge <= 0.0:
            return
        peak = draft.columns(1, problem.demand_charge * MONEY)
        rows = draft.rows(problem.steps, -np.inf, problem.peak_so_far_w / KILO)
        draft.put(rows, bought, 1.0)
        draft.put(rows, np.repeat(peak, problem.steps), -1.0)
        if len(beyond):
            draft.put(rows, beyond, 1.0)

    def _events(self, bought: Index, sold: Index, beyond: Index) -> None:
        """Grid - short <= baseline - reduction. Pay for all of it is a constant; what is short loses it."""
        problem, draft = self.problem, self.draft
        for event in problem.events:
            at = np.arange(event.start, min(event.end, problem.steps))
            draft.offset -= event.pay * event.reduce_w / KILO * float(self.hours[at].sum()) * MONEY
            short = draft.columns(len(at), (event.pay + event.penalty) * self.hours[at] * MONEY)
            rows = draft.rows(len(at), -np.inf, (event.baseline_w - event.reduce_w) / KILO)
            draft.put(rows, bought[at], 1.0)
            draft.put(rows, sold[at], -1.0)
            draft.put(rows, short, -1.0)
            if len(beyond):
                draft.put(rows, beyond[at], 1.0)

    def _limits(self, limits: Limits, charge: Index, discharge: Index) -> tuple[Index, Index, Index]:
        """One row for each limit and step, where the cars that are there could meet it at all."""
        stays, draft, steps = self.stays, self.draft, self.problem.steps
        factor = limits.factor[:, stays.car]
        limit, entry = np.nonzero(factor)
        car = stays.car[entry]
        weight = factor[limit, entry] * stays.weight[car]
        cell = limit * steps + stays.step[entry]
        taken, given = weight * stays.charge_kw[car], weight * stays.discharge_kw[car]
        shape = (len(limits.names), steps)
        most = np.bincount(cell, np.maximum(taken, -given), shape[0] * steps).reshape(shape)
        least = np.bincount(cell, np.minimum(taken, -given), shape[0] * steps).reshape(shape)
        met = (most > limits.upper_kw[:, None]) | (least < limits.lower_kw[:, None])
        which, when = np.nonzero(met)
        rows = np.full(shape[0] * steps, NOWHERE, dtype=np.int32)
        added = draft.rows(len(which), limits.lower_kw[which], limits.upper_kw[which])
        rows[which * steps + when] = added
        inside = np.flatnonzero(rows[cell] != NOWHERE)
        mine = entry[inside]
        self._flows(rows[cell[inside]], charge[mine], discharge[mine], weight[inside])
        return added, which.astype(np.int32), when.astype(np.int32)

    def _reserve(self, reserve: Reserve, layout: Layout) -> None:
        """What could be dropped and given at once, and for how long: charging that stops needs no energy."""
        stays, draft, steps = self.stays, self.draft, self.problem.steps
        car, hold = stays.car, reserve.sustain_s / 3600.0
        weight, up = stays.weight[car], reserve.up_w / KILO
        into, out, energy = layout.battery
        given: Array = np.bincount(stays.step, weight * stays.discharge_kw[car], steps).astype(np.float64)
        gives = np.flatnonzero(layout.discharge != NOWHERE)
        spare = (stays.weight * stays.eta_discharge)[car[gives]]
        floor: Array = np.bincount(stays.step[gives], spare * stays.floor_kwh[car[gives]], steps).astype(np.float64)
        battery = self.problem.battery
        if battery is not None:
            given = given + battery.discharge_w / KILO
            floor = floor + battery.eta_discharge * battery.floor_wh / KILO
        power, lasts = draft.rows(steps, up - given), draft.rows(steps, up * hold + floor)
        self._flows(power[stays.step], layout.charge, layout.discharge, weight)
        draft.put(lasts[stays.step], layout.charge, weight * hold)
        draft.put(lasts[stays.step[gives]], layout.energy[gives], spare)
        if battery is not None:
            draft.put(power, into, 1.0)
            draft.put(power, out, -1.0)
            draft.put(lasts, into, hold)
            draft.put(lasts, energy, battery.eta_discharge)
        price = reserve.shortage * MONEY
        draft.put(power, draft.columns(steps, price * self.hours), 1.0)
        draft.put(lasts, draft.columns(steps, price), 1.0)
