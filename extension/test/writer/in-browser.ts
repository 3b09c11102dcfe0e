// What end-to-end tests put into a page, as a global `writer`: its sites and its reader, without the rest of the extension.

export { DiffError, readPullRequest } from '../../src/writer/diff'
export { onNavigation, siteOf } from '../../src/writer/sites'
export { bitbucket } from '../../src/writer/sites/bitbucket'
export { forgejo } from '../../src/writer/sites/forgejo'
export { github } from '../../src/writer/sites/github'
export { gitlab } from '../../src/writer/sites/gitlab'
