export default (extra) =>
  provoke(
    start({
      method: 'POST',
      url: upstream + '?' + '\\'.repeat(65000),
      headers: [
        ['a', '\x01'.repeat(49000)],
        ['b', '\x01'.repeat(45500) + 'x'.repeat(extra)]
      ],
      body: inline(262144)
    })
  )
