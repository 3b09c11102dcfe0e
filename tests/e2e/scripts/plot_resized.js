export default (plot) =>
  new Promise((resolve) => {
    plot.style.width = '200px'
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        resolve(plot.viewBox.baseVal.width)
        plot.style.width = ''
      })
    )
  })
