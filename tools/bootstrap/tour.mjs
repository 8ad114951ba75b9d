import { setTimeout as pause } from 'node:timers/promises'

const READY_LIMIT_MS = 120_000

const issuerOf = (env) => env.LEDGATE_ISSUER ?? `http://127.0.0.1:${env.LEDGATE_PORT ?? 4040}`

async function ready(issuer, child) {
  const deadline = Date.now() + READY_LIMIT_MS
  while (child.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(`${issuer}/readyz`).catch(() => undefined)
    if (answer?.ok) return true
    await pause(200)
  }
  return false
}

/** The main job as lines to paste, one after the other, into a shell in this folder. */
export const tour = (issuer) => `
Ledgate is ready at ${issuer}  (mail it sends: ${issuer}/dev/mail)
A tour, to paste line by line into another shell, in this folder:

  # register a person, and confirm with the link that was mailed
  curl -sw '\\n' ${issuer}/accounts -H 'content-type: application/json' -d '{"email":"ada@example.com","password":"correct horse battery"}'
  LINK=$(curl -s '${issuer}/dev/mail?to=ada@example.com' -H 'accept: application/json' | node -p 'JSON.parse(require("fs").readFileSync(0)).find((mail) => mail.token).token')
  curl -sw '\\n' ${issuer}/accounts/confirm -H 'content-type: application/json' -d "{\\"token\\":\\"$LINK\\",\\"password\\":\\"correct horse battery\\"}"

  # a token by password, then a renewed one
  TOKENS=$(curl -s ${issuer}/oauth2/token -u demo:demo-only-client-secret -d grant_type=password -d username=ada@example.com --data-urlencode 'password=correct horse battery'); echo "$TOKENS"
  REFRESH=$(echo "$TOKENS" | node -p 'JSON.parse(require("fs").readFileSync(0)).refresh_token')
  TOKENS=$(curl -s ${issuer}/oauth2/token -u demo:demo-only-client-secret -d grant_type=refresh_token -d refresh_token=$REFRESH -d refresh_attempt=tour-$RANDOM$RANDOM); echo "$TOKENS"
  ACCESS=$(echo "$TOKENS" | node -p 'JSON.parse(require("fs").readFileSync(0)).access_token')

  # look at it as the orders API would, revoke it, look again
  curl -sw '\\n' ${issuer}/oauth2/introspect -u orders-api:demo-only-orders-api-secret -d token=$ACCESS
  curl -s ${issuer}/oauth2/revoke -u demo:demo-only-client-secret -d token=$ACCESS -o /dev/null -w '%{http_code}\\n'
  curl -sw '\\n' ${issuer}/oauth2/introspect -u orders-api:demo-only-orders-api-secret -d token=$ACCESS

  # a token for a service of its own
  curl -sw '\\n' ${issuer}/oauth2/token -u demo:demo-only-client-secret -d grant_type=client_credentials -d scope=orders:read

  # what just happened, from the log
  npm run -s ledgate -- events --last 20

  # an orders API whose open streams end when their token is revoked: npm run demo, and "The demo" in README.md
`

/** Prints the tour as soon as the server answers; nothing when it ended first. */
export async function showTour(child, env = process.env) {
  const issuer = issuerOf(env)
  if (env.NODE_ENV !== 'production' && (await ready(issuer, child))) console.log(tour(issuer))
}
