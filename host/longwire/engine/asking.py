"""One question to one provider: what it may cost, the request, the answer told as it comes.

    begin (authorization) ──► open (upstream) ──► read, inspect, decode, tell ──► Told, or a Failure

Failures that happen before anything of an answer came are the caller's to judge (`generation/retrying.py`).
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias, TypeVar

import anyio
import anyio.to_thread
import orjson

from longwire.engine.aborting import closed_in_any_case
from longwire.engine.authorization import Answer, Authorization, Authorizer
from longwire.engine.event_writer import EventWriter
from longwire.engine.exchange import Exchange
from longwire.engine.spending import Spending
from longwire.generation.adapters import ADAPTERS
from longwire.generation.bounds import MAX_FAILURE_BYTES
from longwire.generation.decoding import Decoder
from longwire.generation.estimate import estimate_tokens
from longwire.generation.failures import Failure, failure, of_answer, of_stream, without_address
from longwire.generation.fitting import Fitted, fill, fit
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, ToolCall, Usage
from longwire.generation.prompt import Adapter, Outgoing, Prompt
from longwire.generation.telling import Telling
from longwire.generation.templates import Template
from longwire.policy import Decision, Policy
from longwire.policy.budgets import Budgets
from longwire.policy.generation_decision import GenerationDecision
from longwire.policy.locations import Source
from longwire.policy.template_files import TemplateFiles
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.generation import AnyGenerationEvent, FailureCode, GenerationPhase
from longwire.protocol.generation_request import GenerationRequest
from longwire.protocol.messages import StreamStart
from longwire.protocol.records import NoBody, RedirectMode, Timeouts
from longwire.turns import Turns
from longwire.upstream.model import Upstream, UpstreamRequest, UpstreamResponse

T = TypeVar("T")
_Sizes: TypeAlias = tuple[int, int] | None

# Silence of a model that answers. The page may say another (`idleTimeout`).
IDLE_TIMEOUT_MS: Final = 120_000
_IDLE_BY: Final = "idleTimeout, by default. The page may ask for longer: longwire: { idleTimeout: … }"
# How much is read at once of an answer that is a failure, or that goes on behind its end.
_READ_BYTES: Final = 16 * 1024
# How long what is behind the end of an answer may take, so that its connection can be used again.
_REST_S: Final = 0.25
# How long the words of a failure may take.
_FAILURE_S: Final = 10.0
# How often tokens are guessed while a provider does not count them.
_GUESS_MS: Final = 1_000
# A longer question is read, cut and encoded in a thread.
LONG_BYTES: Final = 128 * 1024
# What ends the stream and not only this answer: what allowed it does so no longer.
_OF_THE_STREAM: Final = frozenset({ErrorCode.POLICY_DENIED, ErrorCode.POLICY_INVALID, ErrorCode.SECRET_REFLECTED})
# The connection broke inside an answer.
_BROKEN: Final = frozenset({ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_TRUNCATED})


class Told(NamedTuple):
    """The answer is whole, and the page has been told all of it."""

    usage: Usage | None


class Means(NamedTuple):
    """What generations are carried out with; `turns` are those of everything else in this event loop."""

    upstream: Upstream
    authorizer: Authorizer
    budgets: Budgets
    templates: TemplateFiles
    turns: Turns


class _NewSecret(NamedTuple):
    """The provider does not take the secret that was sent, and the next one will be another."""


class Asking:
    """Of one generation: what was told so far, and when."""

    def __init__(
        self,
        exchange: Exchange,
        request_id: str,
        question: GenerationRequest,
        means: Means,
        first: GenerationDecision,
        *,
        size: int,
    ) -> None:
        """`first` is who is asked first, `size` the bytes of the question, as the page sent it."""
        self._exchange = exchange
        self._question = question
        self._means = means
        self.writer = EventWriter(exchange)
        self._telling = Telling(request_id, first.provider.name, first.model, first.provider.prices_of(first.model))
        self._renewed = False  # a secret, which may be once
        self._templates: dict[Source, Template] = {}
        self._whole = False  # the provider does not stream it
        self._announced: tuple[str, _Sizes] | None = None  # the provider whose metadata was told, and what it got
        self._output_estimate = 0
        self._long = size > LONG_BYTES
        self._guessed_ms = 0
        self.delivered = False
        self.usage: Usage | None = None  # what the attempt that is on, or was the last, is known to have taken

    async def ask(self, choice: GenerationDecision) -> Failure | Told:
        """Ask, and tell the answer as it comes.

        Raises:
            RequestRefused: the provider's protocol cannot say this request.
            DoesNotFit: the input is too long, and may not be cut.
            StreamError: what allowed the stream does so no longer.
        """
        while True:
            result = await self._ask_once(choice)
            if isinstance(result, GenerationDecision):
                choice = result
            elif isinstance(result, _NewSecret):
                self._renewed = True
                text = f"{choice.provider.name} does not accept the key. Asking with a new one"
                await self._say(self._telling.status(GenerationPhase.RETRYING, text))
            else:
                return result

    async def _ask_once(self, choice: GenerationDecision) -> Failure | Told | _NewSecret | GenerationDecision:
        """`GenerationDecision`: nothing was sent, for the policy has another provider of that name by now."""
        self.usage = None
        adapter = ADAPTERS[choice.provider.kind]
        template = await self.template_for(choice)
        fitted, outgoing = await self._aside(lambda: self._prepared(choice, adapter, template))
        await self._announce(choice, fitted)
        spending: Spending | None = None
        result: Failure | Told | _NewSecret
        deciding = _Deciding(self._exchange.start, choice, adapter, outgoing)
        try:
            async with self._means.authorizer.begin(
                _start_of(self._exchange.start, choice, outgoing), self._exchange.revoke, deciding
            ) as authorization:
                if deciding.latest.provider != choice.provider:
                    # It may be a minute since it was chosen. Its limits, its kind and its max_input are others now.
                    return deciding.latest
                await self._say(self._telling.status(GenerationPhase.CONNECTING, f"Asking {choice.provider.name}"))
                # The last thing before it is sent: what is refused for another reason spends nothing.
                spending = await Spending.reserve(self._means.budgets, choice, fitted, outgoing)
                request = self._request(authorization.request(outgoing.body))
                response = await self._timed(self._means.upstream.open(request))
                async with closed_in_any_case(response):
                    result = await self._take(response, authorization, adapter, spending)
        except StreamError as error:
            if error.code in _OF_THE_STREAM:
                raise without_address(error) from None
            result = of_stream(error)
        if spending is not None and not isinstance(result, Told) and (isinstance(result, _NewSecret) or result.refused):
            await spending.give_back()
        return result

    async def wait(self, delay_ms: int, text: str) -> None:
        """Say that the provider is asked again, and wait that long."""
        await self._say(self._telling.status(GenerationPhase.RETRYING, text))
        await self._timed(anyio.sleep(delay_ms / 1000))

    async def ask_whole(self, text: str) -> None:
        """Say that the provider is asked for the answer in one piece from now on."""
        self._whole = True
        await self._say(self._telling.status(GenerationPhase.RETRYING, text))

    async def switch(self, choice: GenerationDecision, text: str) -> None:
        """Say that another provider is asked from now on."""
        await self._say(self._telling.status(GenerationPhase.SWITCHING_PROVIDER, text))
        self._whole = False
        self._telling.switch(choice.provider.name, choice.model, choice.provider.prices_of(choice.model))

    async def fail(self, failed: Failure) -> None:
        """Say that this is all, and why. To the log the stream is whole, and what it was for failed."""
        self._exchange.bind(failure=failed.code)
        await self._say(self._telling.error(failed))

    async def template_for(self, choice: GenerationDecision) -> Template | None:
        """The template that the page names, of the policy file whose grant lets it ask; None if it names none.

        Raises:
            TemplateUnavailable: there is none of that name, or its file cannot be used.
        """
        name, source = self._question.template, choice.grant.source
        if name is None:
            return None
        if source not in self._templates:
            text = await anyio.to_thread.run_sync(self._means.templates.read, source, name)
            self._templates[source] = Template.parse(text)
        return self._templates[source]

    def _prepared(
        self, choice: GenerationDecision, adapter: Adapter, template: Template | None
    ) -> tuple[Fitted, Outgoing]:
        question, limit = self._question, choice.provider.max_input
        prompt = Prompt.of(question, choice.model, question.messages or ())
        if self._whole:
            prompt = prompt._replace(stream=False)
        fitted = fit(prompt, limit) if template is None else fill(prompt, template, question.fields or {}, limit)
        return fitted, adapter.request(fitted.prompt)

    def _request(self, request: UpstreamRequest) -> UpstreamRequest:
        """With the memory of this stream, and with whose number `idle_by` says the longest silence is."""
        timeouts = request.timeouts
        if self._exchange.start.timeouts.idle_ms is None:
            timeouts = timeouts._replace(idle_by=_IDLE_BY)
        return replace(request, memory=self._exchange.stream.decoders, timeouts=timeouts)

    async def _announce(self, choice: GenerationDecision, fitted: Fitted) -> None:
        """Before any content, and once for each provider, but where it is to get less than before."""
        cut = (fitted.original_size, fitted.size) if fitted.truncated else None
        if self._announced == (choice.provider.name, cut):
            return
        self._announced = choice.provider.name, cut
        # Four characters to a token: nothing better is known of it, whoever's tokens they are.
        await self._say(self._telling.metadata(fitted.size, -(-fitted.size // 4), cut))
        # Until it has its places and its key, for which a person may have to unlock a keyring.
        await self._say(self._telling.status(GenerationPhase.QUEUED, f"Getting ready to ask {choice.provider.name}"))

    # --- the answer ------------------------------------------------------------------------------------------

    async def _take(
        self, response: UpstreamResponse, authorization: Authorization, adapter: Adapter, spending: Spending
    ) -> Failure | Told | _NewSecret:
        answer = authorization.answer(response.headers, response.reason, status=response.status)
        headers = {name.lower(): value for name, value in response.headers}
        if not 200 <= response.status < 300:
            body = await self._failure_body(response, answer)
            if authorization.renewed and not self._renewed:
                return _NewSecret()
            failed = of_answer(response.status, headers, body, time.time())
            answer.inspect_joined(Failed, failed.message)
            return failed
        decoder = adapter.decoder(headers.get("content-type", ""))
        unfinished = await self._read(response, answer, decoder, spending)
        if unfinished is not None:
            return unfinished
        await self._read_rest(response)
        return Told(self.usage)

    async def _read(
        self, response: UpstreamResponse, answer: Answer, decoder: Decoder, spending: Spending
    ) -> Failure | None:
        total = 0
        while True:
            room = await self._exchange.room()
            try:
                data = await self._timed(response.read(room))
            except StreamError as error:
                if error.code not in _BROKEN:
                    raise
                # What came stays, and no end was said.
                return failure(FailureCode.ENDED_EARLY, error.text)
            total += len(data)
            answer.inspect(data, total)
            parts = decoder.receive(data) if data else decoder.end()
            if (failed := await self._tell(parts, answer, spending)) is not None or decoder.over:
                return failed

    async def _tell(self, parts: Sequence[Part], answer: Answer, spending: Spending) -> Failure | None:
        events: list[AnyGenerationEvent] = []
        failed: Failure | None = None
        for part in parts:
            self._look_at(part, answer)
            if isinstance(part, Failed):
                failed = part.failure
                break
            if isinstance(part, Finished):
                self.usage = part.usage
                # Before the page hears of it: what it asks next may need the room.
                await spending.settle(part.usage)
            now_ms = self._exchange.clock.elapsed_ms()
            waited_ms = round(1000 * (self._exchange.clock.waited_s or 0))
            events += self._telling.tell(part, now_ms, waited_ms, self._output_estimate)
            if isinstance(part, Text | Reasoning):
                events += self._guess(now_ms)
        await self.writer.write(events)
        return failed

    def _deliver(self) -> None:
        self.delivered = True
        clock = self._exchange.clock
        if clock.content_ms is None:
            clock.content_ms = clock.elapsed_ms()

    def _look_at(self, part: Part, answer: Answer) -> None:
        """Every text of it that the page gets: as bytes of JSON it may have been written in other ways."""
        if isinstance(part, Text | Reasoning):
            answer.inspect_joined((type(part), part.number), part.text)
            self._output_estimate += estimate_tokens(part.text)
            self._deliver()
        elif isinstance(part, ToolCall):
            for text in (part.id, part.name, part.raw or orjson.dumps(part.arguments).decode()):
                answer.inspect_joined((ToolCall, part.number), text)
            self._deliver()
        elif isinstance(part, Usage):
            self.usage = part
        elif isinstance(part, Named):
            answer.inspect_joined(Named, part.model)
        elif isinstance(part, Failed):
            answer.inspect_joined(Failed, part.failure.message)

    def _guess(self, now_ms: int) -> Iterator[AnyGenerationEvent]:
        """How many tokens it may be by now, while nobody counts them."""
        if self.usage is None and self._output_estimate and now_ms - self._guessed_ms >= _GUESS_MS:
            self._guessed_ms = now_ms
            yield self._telling.guess(self._output_estimate)

    async def _failure_body(self, response: UpstreamResponse, answer: Answer) -> bytes:
        """As much of it as comes in time: the status says what failed, also where the words of it are cut."""
        body = b""
        with anyio.move_on_after(_FAILURE_S):
            try:
                while len(body) < MAX_FAILURE_BYTES and (data := await self._timed(response.read(_READ_BYTES))):
                    body += data
                    answer.inspect(data, len(body))
            except StreamError as error:
                if error.code in _OF_THE_STREAM:
                    raise
        return body

    async def _read_rest(self, response: UpstreamResponse) -> None:
        """What is behind the end has no meaning, but a connection in the middle of it cannot be used again."""
        with anyio.move_on_after(_REST_S):
            try:
                while await response.read(_READ_BYTES):
                    pass
            except StreamError:
                return

    # --- time ------------------------------------------------------------------------------------------------

    async def _timed(self, waiting: Awaitable[T]) -> T:
        """Wait for the provider: its time and not the host's."""
        return await self._exchange.clock.waiting(waiting)

    async def _aside(self, work: Callable[[], T]) -> T:
        """In a thread, if the question is long."""
        if self._long:
            return await self._means.turns.aside(self._exchange.asker, work)
        return work()

    async def _say(self, event: AnyGenerationEvent) -> None:
        await self.writer.write([event])


def _start_of(start: StreamStart, choice: GenerationDecision, outgoing: Outgoing) -> StreamStart:
    """The request to the provider, as if the page had asked for it."""
    asked = start.timeouts
    idle = IDLE_TIMEOUT_MS if asked.idle_ms is None else asked.idle_ms
    return start.model_copy(
        update={
            "method": outgoing.method,
            "url": choice.provider.url(outgoing.path).href,
            "headers": list(outgoing.headers),
            "body": NoBody(kind="none"),  # it comes with the request
            "redirect": RedirectMode.MANUAL,  # one is told as what it is
            "timeouts": Timeouts(header_ms=asked.header_ms, idle_ms=idle, total_ms=asked.total_ms),
        }
    )


class _Deciding:
    """By which grant the request is sent: the page's, for this provider alone. Asked again when the policy changes.

    `latest` is what the policy said the last time.
    """

    def __init__(self, start: StreamStart, choice: GenerationDecision, adapter: Adapter, outgoing: Outgoing) -> None:
        self._page = start.page
        self._adapter = adapter
        self._outgoing = outgoing
        self.latest = choice

    def __call__(self, policy: Policy) -> Decision:
        found = self.latest = policy.decide_generation(self._page, self.latest.provider.name, self.latest.model)
        adapter, path = self._adapter, self._outgoing.path
        grant = found.grant.for_provider(found.provider, adapter.key_header, adapter.key_prefix, path)
        return Decision(grant, found.provider.url(path), self._outgoing.method)
