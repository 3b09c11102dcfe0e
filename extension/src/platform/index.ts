// The browser that this build is for.

export { framePlatform, popupPlatform, relayPlatform, settingsPlatform, workerPlatform } from './chromium'
