async function via(url, init, call = fetch) {
  try {
    const response = await call(url, init)
    const { headers } = await response.json()
    const agent = headers.find(([name]) => name.toLowerCase() === 'user-agent')[1]
    return agent.startsWith('Longwire') ? 'longwire' : 'browser'
  } catch (error) {
    return error.code ?? error.name
  }
}
