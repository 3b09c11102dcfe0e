// The conformance tests of the Durable Streams protocol, unmodified, against the server that the environment names.
// tests/unit/engine/test_durable_conformance.py starts both.

import { runConformanceTests } from '@durable-streams/server-conformance-tests'

const baseUrl = process.env['CONFORMANCE_URL']
if (baseUrl === undefined) throw new Error('CONFORMANCE_URL names no server')
runConformanceTests({ baseUrl, longPollTimeoutMs: 2_000 })
