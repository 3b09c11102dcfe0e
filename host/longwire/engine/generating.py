"""How one generation is carried out: the request read, a provider asked, asked again or another one, the answer told.

    read the question ──► the policy allows a provider ──► STREAM_HEADERS ──► ask (`asking.py`) ──► told, or a failure
                                                             ▲                                            │
                                                             └── again, or the next provider ◄── retrying ┘

What is refused before STREAM_HEADERS is the stream's error, as for every kind. What fails behind it is the `error`
event, the last one of a body that is whole.
"""

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import orjson

from longwire.engine.asking import LONG_BYTES, Asking, Means, Told
from longwire.engine.authorization import Authorizer
from longwire.engine.event_writer import EventWriter
from longwire.engine.exchange import Exchange
from longwire.engine.request_body import body_of
from longwire.fair_pool import FairPool
from longwire.generation.cutting import DoesNotFit
from longwire.generation.failures import Failure, failure
from longwire.generation.prices import cost_of
from longwire.generation.requests import RequestRefused, parse_request
from longwire.generation.retrying import GiveUp, Retry, Switch, after
from longwire.policy.generation_decision import GenerationDecision
from longwire.protocol.errors import Category, ErrorCode, Phase, StreamError
from longwire.protocol.generation import ErrorEvent, FailureCode
from longwire.protocol.generation_request import GenerationRequest
from longwire.protocol.messages import GENERATION_URL, StreamHeaders
from longwire.protocol.records import Completeness, Page

# A question, as the page sends it: text, and images of which base64 makes a third more.
MAX_QUESTION_BYTES: Final = 32 * 1024 * 1024
_HEADERS: Final = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")]


class Generating:
    """Carries generations out: one object for all of an engine."""

    def __init__(self, means: Means, memory: FairPool) -> None:
        """`memory` is lent to the questions that are under way."""
        self._means = means
        self._memory = memory

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        exchange.bind(request=(request_id := secrets.token_hex(8)))
        try:
            async with self._question(exchange) as (question, size):
                await self._answer(exchange, request_id, question, size)
        finally:
            exchange.stream.decoders.close()

    async def _answer(
        self, exchange: Exchange, request_id: str, question: GenerationRequest | RequestRefused, size: int
    ) -> None:
        page = exchange.start.page
        if isinstance(question, RequestRefused):
            # What is wrong with it, only a page that may ask is told.
            grant, exchange.recordable = await self._means.authorizer.any_provider(page)
            await _begin(exchange, grant)
            exchange.bind(failure=question.code)
            await EventWriter(exchange).write([_refusal(request_id, question)])
        else:
            first = await self._means.authorizer.provider(page, question.provider, question.model)
            asking = Asking(exchange, request_id, question, self._means, first, size=size)
            await asking.template_for(first)  # one that is not there is refused as a page is that may not ask
            exchange.recordable = first.grant.has("record") and await self._others_recordable(page, question)
            await _begin(exchange, first.grant.name)
            with asking.writer.signs_of_life():
                await _Attempts(asking, self._means.authorizer, exchange, question).run(first)
        # Of the provider's own framing nothing is left; the last event says that this is all.
        exchange.finish(Completeness.CHUNKED)

    async def _others_recordable(self, page: Page, question: GenerationRequest) -> bool:
        """Whoever answers in the end: the head is told before that is known."""
        for name in question.fallback or ():
            with suppress(StreamError):  # it is not asked
                if not (await self._means.authorizer.provider(page, name, None)).grant.has("record"):
                    return False
        return True

    @asynccontextmanager
    async def _question(self, exchange: Exchange) -> AsyncIterator[tuple[GenerationRequest | RequestRefused, int]]:
        """What the page asks and how many bytes that has, and their memory until the end of the block.

        Raises:
            StreamError: LIMIT_EXCEEDED: too long, or too much is under way already.
        """
        borrower = exchange.asker
        held = 0
        try:
            pieces: list[bytes] = []
            async for piece in _pieces(exchange):
                held += len(piece)
                if held > MAX_QUESTION_BYTES:
                    held -= len(piece)
                    message = f"the request has more than {MAX_QUESTION_BYTES} bytes; send less text, or fewer images"
                    raise StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY, retryable=False)
                if not self._memory.borrow_all(borrower, len(piece)):
                    held -= len(piece)
                    message = "too many long requests are under way already; ask again when some of them are answered"
                    raise StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY, retryable=True)
                pieces.append(piece)
            text = b"".join(pieces)
            pieces.clear()
            exchange.body_gone()
            if len(text) > LONG_BYTES:
                yield await self._means.turns.aside(borrower, lambda: _read(text)), len(text)
            else:
                yield _read(text), len(text)
        finally:
            self._memory.repay(borrower, held)


class _Attempts:
    """One provider after another, until one has answered or none is left."""

    def __init__(self, asking: Asking, authorizer: Authorizer, exchange: Exchange, question: GenerationRequest) -> None:
        self._asking = asking
        self._authorizer = authorizer
        self._exchange = exchange
        self._question = question
        # Each once: whoever was asked four times already has no room now.
        self._left = [name for name in dict.fromkeys(question.fallback or ()) if name != question.provider]

    async def run(self, choice: GenerationDecision) -> None:
        """Tell the answer, or why there is none.

        Raises:
            StreamError: the stream itself ends: what allowed it does so no longer.
        """
        retries, whole = 0, False
        while True:
            result = await self._ask(choice)
            if isinstance(result, Told):
                self._note(choice, retries, None)
                return
            self._note(choice, retries, result)
            if result.only_whole and not whole:
                whole = True
                await self._asking.ask_whole(f"{result.message}. Asking for the answer in one piece")
                continue
            delivered = self._asking.delivered
            following = None if delivered else await self._following()
            left = () if following is None else (following.provider.name,)
            verdict = after(result, retries=retries, delivered=delivered, fallback=left, jitter=random.random())  # noqa: S311
            match verdict:
                case Retry(delay_ms):
                    retries += 1
                    await self._asking.wait(delay_ms, f"{result.message}. Asking again in {_in_seconds(delay_ms)}")
                case Switch(name) if following is not None:
                    retries, whole = 0, False
                    self._left.pop(0)
                    text = f"{result.message}. Asking {name} instead"
                    choice = following
                    await self._asking.switch(choice, text)
                case GiveUp() | Switch():
                    await self._asking.fail(result)
                    return

    async def _ask(self, choice: GenerationDecision) -> Failure | Told:
        try:
            return await self._asking.ask(choice)
        except DoesNotFit as problem:
            return problem.failure
        except RequestRefused as refused:
            return failure(FailureCode.BAD_REQUEST, refused.message)

    async def _following(self) -> GenerationDecision | None:
        """The next provider that the policy allows, and whose file has the template; the others are left out."""
        while self._left:
            name, page = self._left[0], self._exchange.start.page
            for model in dict.fromkeys((self._question.model, None)):
                try:
                    choice = await self._authorizer.provider(page, name, model)
                    await self._asking.template_for(choice)
                except StreamError as error:
                    if error.info.category is not Category.POLICY:
                        raise
                else:
                    return choice
            self._left.pop(0)
        return None

    def _note(self, choice: GenerationDecision, retries: int, result: Failure | None) -> None:
        fields: dict[str, Any] = {} if result is None else {"code": result.code}
        if result is not None and result.reason is not None and not self._exchange.start.page.private:
            fields["reason"] = result.reason
        usage = self._asking.usage
        if usage is not None:
            fields |= {"input_tokens": usage.input, "output_tokens": usage.output}
            prices = choice.provider.prices_of(choice.model)
            if prices is not None and (cost := cost_of(usage, prices)) is not None:
                fields |= {"cost": cost.amount, "currency": cost.currency}
        # What the line about the end says too.
        self._exchange.bind(provider=choice.provider.name, model=choice.model)
        self._exchange.note("generation", attempt=retries + 1, **fields)


async def _begin(exchange: Exchange, grant: str) -> None:
    exchange.allowed(grant)
    await exchange.may_begin()
    exchange.clock.headers_ms = exchange.clock.elapsed_ms()
    head = StreamHeaders(
        type="STREAM_HEADERS",
        id=exchange.stream.id,
        url=GENERATION_URL,
        redirected=False,
        status=200,
        reason="OK",
        headers=_HEADERS,
    )
    exchange.headers(head, grant)


async def _pieces(exchange: Exchange) -> AsyncIterator[bytes]:
    body = body_of(exchange)
    if isinstance(body, bytes):
        yield body
    elif body is not None:
        async for piece in body:
            yield piece


def _refusal(request_id: str, refused: RequestRefused) -> ErrorEvent:
    """The only event of a request that is none."""
    return ErrorEvent(request_id=request_id, code=refused.code, message=refused.message, retryable=False)


def _read(text: bytes) -> GenerationRequest | RequestRefused:
    try:
        return parse_request(orjson.loads(text))
    except orjson.JSONDecodeError:
        return RequestRefused("", "the body is not JSON")
    except RequestRefused as refused:
        return refused


def _in_seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s".replace(".0 s", " s")
