import { expect, test } from 'vitest'
import { stream } from '../../src/client'
import { body, failureOf, serve } from './server'

const JSON_TYPE = 'application/json'

test.each([
  [
    'OpenAI',
    JSON_TYPE,
    '{"error":{"message":"Rate limit reached","type":"requests","code":"x"}}',
    'Rate limit reached'
  ],
  ['Anthropic', JSON_TYPE, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'Overloaded'],
  ['Ollama', JSON_TYPE, '{"error":"model \\"x\\" not found"}', 'model "x" not found'],
  ['Google', JSON_TYPE, '[{"error":{"code":400,"message":"API key not valid."}}]', 'API key not valid.'],
  ['FastAPI', JSON_TYPE, '{"detail":"Not authenticated"}', 'Not authenticated'],
  ['FastAPI, validated', JSON_TYPE, '{"detail":[{"loc":["body"],"msg":"Field required"}]}', 'Field required'],
  ['RFC 9457', 'application/problem+json', '{"title":"Out of credit","status":403}', 'Out of credit'],
  ['OAuth', JSON_TYPE, '{"error":"invalid_token","error_description":"It has expired"}', 'It has expired'],
  ['GraphQL', JSON_TYPE, '{"errors":[{"message":"Cannot query field"}]}', 'Cannot query field'],
  ['an event stream', 'text/event-stream', 'event: error\ndata: {"error":{"message":"Busy"}}\n\n', 'Busy'],
  ['plain words', 'text/plain', 'upstream connect error\nor disconnect', 'upstream connect error or disconnect']
])('an error says what the server says: %s', async (_, type, text, words) => {
  const server = await serve(body(text, { 'content-type': type }, 418))
  const error = await failureOf(stream(server.url, {}, { retry: false }).readToCompletion())
  expect(error).toMatchObject({ code: 'HTTP_STATUS', status: 418, body: text })
  expect((error as Error).message).toBe(`The server answered 418 I'm a Teapot: ${words}`)
})

test.each([
  ['a page', '<!doctype html><title>Bad Gateway</title>'],
  ['nothing', ''],
  ['JSON without words', '{"ok":false}'],
  ['half a JSON', `{"error":{"message":"${'x'.repeat(20_000)}`]
])('where there are no words the status is all: %s', async (_, text) => {
  const server = await serve(body(text, {}, 418))
  const error = await failureOf(stream(server.url, {}, { retry: false }).readToCompletion())
  expect((error as Error).message).toBe("The server answered 418 I'm a Teapot")
})

test('a flood of words is cut', async () => {
  const server = await serve(body('long '.repeat(1000), {}, 418))
  const error = await failureOf(stream(server.url, {}, { retry: false }).readToCompletion())
  expect((error as Error).message.length).toBeLessThan(350)
})
