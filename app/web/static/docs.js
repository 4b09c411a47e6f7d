// Requests that the page itself sends carry what a foreign page cannot set, so that a session's cookie is accepted.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    request.headers["X-Queuant-Request"] = "1";
    return request;
  },
});
