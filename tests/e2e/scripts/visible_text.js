export default (id) =>
  new Promise((resolve) => {
    const look = () => {
      const element = document.getElementById(id)
      if (element?.checkVisibility() && element.innerText) resolve(element.innerText)
      else requestAnimationFrame(look)
    }
    look()
  })
