"""The door of the offer: what the station could promise, before an order is given."""

from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from litestar import Response, get
from litestar.exceptions import ClientException, ServiceUnavailableException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from voltide.domain.messages import AskOffer
from voltide.domain.picture import OfferPicture
from voltide.web.routes import NO_STORE, Problem, TheDesk

RECKON_S = 30.0
LONGEST = timedelta(days=1)

MOST = 1e9
"""Yuan, and yuan per kWh: beyond, somebody plays."""

Way: TypeAlias = Literal["give"]


@get("/api/offer", responses={code: ResponseSpec(Problem, generate_examples=False) for code in (400, 401, 503)})
async def offer(
    desk: TheDesk,
    since: FromQuery[datetime],
    until: FromQuery[datetime],
    way: FromQuery[Way] = "give",
    pay: FromQuery[float] = 4.0,
    penalty: FromQuery[float] = 0.0,
    most_at_risk: FromQuery[float | None] = None,
) -> Response[OfferPicture]:
    """What the bidirectional outlets could give throughout a window, and how sure that is; it takes a second or two.

    ``pay`` and ``penalty`` in yuan per kWh, and ``most_at_risk`` in yuan, choose ``best_w`` only.
    """
    del way  # a word of the door: there is one way yet
    if since.tzinfo is None or until.tzinfo is None:
        raise ClientException("A time needs its offset from UTC, such as 2026-03-28T00:00:00Z.")
    if not timedelta(0) < until - since <= LONGEST:
        raise ClientException("The window must be longer than nothing and at most a day.")
    if not all(0.0 <= money <= MOST for money in (pay, penalty, most_at_risk or 0.0)):
        raise ClientException("Money is a number from 0 to a thousand million yuan.")
    asked = AskOffer(
        since=since.astimezone(UTC), until=until.astimezone(UTC), pay=pay, penalty=penalty, most_at_risk=most_at_risk
    )
    try:
        found = await desk.bus.request(f"station.{desk.station}.offer", asked, RECKON_S)
    except TimeoutError:
        found = None
    if not isinstance(found, OfferPicture):
        raise ServiceUnavailableException("The station does not answer.")
    return Response(found, headers=NO_STORE)


ROUTES = [offer]
