// Carries a page's ports to the worker, which no page can reach with one.
addEventListener('message', async ({ data, ports }) => {
  const { active } = await navigator.serviceWorker.ready
  active.postMessage(data, ports)
})
