function run(url) {
  pollute()
  let promise
  try {
    // What a careless script would do, to see that the traps are set.
    if (url === 'careless') [].push({}.headers)
    promise = longwire.fetch(url)
  } catch (error) {
    return tell('threw ' + error.message)
  }
  // Reading a promise or a response is the page's own business, from here on with what it saved.
  reflectApply(then, promise, [
    (response) => {
      const genuine = getPrototypeOf(response) === Originals.Response.prototype
      const status = response.status
      const own = getPrototypeOf(promise) === Originals.Promise.prototype
      reflectApply(then, reflectApply(textOf, response, []), [
        (text) => tell({ genuine, own, status, text, same: longwire === longwireBefore }),
        (error) => tell('body failed ' + error)
      ])
    },
    (error) => tell({ code: error.code, phase: error.phase })
  ])
}
run(decodeURIComponent(location.search.slice(1)))
