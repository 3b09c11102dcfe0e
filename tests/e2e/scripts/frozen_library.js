export default () => {
  'use strict'
  const refused = (act) => {
    try {
      act()
      return false
    } catch (error) {
      return error.name === 'TypeError'
    }
  }
  return [
    refused(() => {
      longwire.stream = null
    }),
    refused(() => {
      longwire.setUsualFetch = null
    }),
    refused(() => {
      window.longwire = null
    }),
    'setUsualFetch' in longwire
  ]
}
