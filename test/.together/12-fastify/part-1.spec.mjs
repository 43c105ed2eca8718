import "../../nest/mounting-ports.spec.ts";
import "../../nest/other-servers-graphql.spec.ts";
import "../../nest/other-servers-http.spec.ts";
import "../../upgrade/checks.spec.ts";
import "../../upgrade/origin-application.spec.ts";
import "../../upgrade/origin-tls.spec.ts";
