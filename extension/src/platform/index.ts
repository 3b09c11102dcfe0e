// The browser that this build is for.

export { framePlatform, popupPlatform, relayPlatform, workerPlatform } from './chromium'
