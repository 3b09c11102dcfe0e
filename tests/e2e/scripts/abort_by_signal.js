export default async ({ url, through }) => {
  const fetch = through === 'longwire' ? longwire.fetch : window.fetch
  const signal = SIGNAL
  const error = await FETCHED.then(
    () => 'not aborted',
    (error) => error
  )
  return { same: error === signal.reason, kind: String(error) }
}
