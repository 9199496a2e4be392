"""Whatever answers come, in whatever order: each call of ours gets its own answer, once, or none; and nothing grows."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.ocpp.lines import V21, only, reset, station
from voltide.ocpp.events import Answered, Failed, Ignored, Unanswered

QUEUE, TIMEOUT_S = 5, 10.0


class Calls(RuleBasedStateMachine):
    """A line, and what must be so of its calls."""

    def __init__(self):
        super().__init__()
        self.line = station(V21, queue=QUEUE, timeout_s=TIMEOUT_S)
        self.now, self.made = 0.0, 0
        self.open: tuple[str, float] | None = None
        self.waiting: list[str] = []

    def next_one(self):
        """The call whose turn it is goes out; nothing else does."""
        said = [json.loads(text)[:3] for text in self.line.to_send() if json.loads(text)[0] == 2]
        if self.open is None and self.waiting:
            self.open = self.waiting.pop(0), self.now + TIMEOUT_S
            assert said == [[2, self.open[0], "Reset"]]
        else:
            assert said == []

    def any_id(self, pick):
        """An id of now, of some time ago, of a call that still waits, or of nobody."""
        return f"c{pick % (self.made + 2)}"

    @rule()
    def call(self):
        took = self.line.call("Reset", reset(V21), who=f"c{self.made}", now=self.now)
        assert took == (len(self.waiting) + (self.open is not None) < QUEUE)
        if took:
            self.waiting.append(f"c{self.made}")
            self.made += 1
        self.next_one()

    @rule(pick=st.integers(0, 99))
    def a_result_comes(self, pick):
        who = self.any_id(pick)
        body = {"status": "Accepted", "customData": {"vendorId": f"for {who}"}}
        event = only(self.line.receive(json.dumps([3, who, body]), self.now))
        if self.open is not None and self.open[0] == who:
            assert isinstance(event, Answered)
            assert (event.id, event.response.custom_data["vendorId"]) == (who, f"for {who}")
            self.open = None
        else:
            assert isinstance(event, Ignored)
        self.next_one()

    @rule(pick=st.integers(0, 99))
    def an_error_comes(self, pick):
        who = self.any_id(pick)
        event = only(self.line.receive(json.dumps([4, who, "InternalError", "", {}]), self.now))
        mine = self.open is not None and self.open[0] == who
        assert isinstance(event, Failed if mine else Ignored)
        self.open = None if mine else self.open
        self.next_one()

    @rule(pick=st.integers(0, 99), body=st.sampled_from(["[]", '{"status":"Perhaps"}', "null", "{}"]))
    def a_broken_result_comes(self, pick, body):
        who = self.any_id(pick)
        self.line.receive('[3,"nobody",{}]', self.now)  # so much noise in a row would end the line
        event = only(self.line.receive(f'[3,"{who}",{body}]', self.now))
        mine = self.open is not None and self.open[0] == who
        assert isinstance(event, Unanswered) == mine
        assert not isinstance(event, Answered)
        self.open = None if mine else self.open
        self.next_one()

    @rule(seconds=st.sampled_from([1.0, 4.0, 11.0]))
    def time_passes(self, seconds):
        self.now += seconds
        events = self.line.expire(self.now)
        if self.open is not None and self.now >= self.open[1]:
            assert [(event.id, event.sent) for event in events] == [(self.open[0], True)]
            self.open = None
        else:
            assert events == []
        self.next_one()

    @precondition(lambda self: self.made > 3)
    @rule()
    def the_line_is_lost(self):
        left = ([self.open[0]] if self.open is not None else []) + self.waiting
        events = self.line.close()
        assert [event.id for event in events] == left
        assert [event.sent for event in events] == [True] * (self.open is not None) + [False] * len(self.waiting)
        self.open, self.waiting = None, []
        assert self.line.to_send() == []

    @invariant()
    def as_many_wait_as_we_think(self):
        assert self.line.waiting == len(self.waiting) + (self.open is not None)
        assert self.line.deadline == (None if self.open is None else self.open[1])


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
