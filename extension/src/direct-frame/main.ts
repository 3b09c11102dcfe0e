// A frame of the extension's own that a relay puts into its page for a moment: it carries one port to the worker, which no
// content script can reach with one. Whoever else loads it gains nothing: the worker knows no token of theirs.

import { framePlatform } from '../platform'

addEventListener(
  'message',
  ({ data, ports: [port, ...others] }) => {
    if (typeof data !== 'string' || data.length !== 32 || port === undefined || others.length > 0) return
    void framePlatform.sendDirectPort(data, port)
  },
  { once: true }
)
