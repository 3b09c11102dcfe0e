// In the worker: done when the browser puts the writer into no page any more.
export default async () => {
  const scripts = () => chrome.scripting.getRegisteredContentScripts()
  while ((await scripts()).some(({ id }) => id.startsWith('writer '))) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
