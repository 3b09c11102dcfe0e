export default async () => {
  for (;;) {
    const status = await longwire.status()
    if (status.state !== 'starting') return status
  }
}
