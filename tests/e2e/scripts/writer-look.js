// What the writer's sites make of the page, which a real site would have at `url`.
export default (url) => {
  const site = writer.siteOf(new URL(url), document)
  if (site === null) return null
  const place = site.editor(document)
  const named = (element) => element && (element.id || element.getAttribute('name') || element.className)
  return {
    site: site.name,
    reference: site.reference(new URL(url), document),
    details: site.details(document),
    editor: place && {
      kind: place.kind,
      // A twin has the same id.
      wanted: place.element.closest('[data-wanted]') !== null,
      saved: named(place.saved) ?? null,
      beside: named(place.beside)
    }
  }
}
