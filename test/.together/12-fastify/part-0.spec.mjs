import "../../nest/mounting-other-servers.spec.ts";
import "../../nest/mounting.spec.ts";
import "../../nest/other-servers-greedy.spec.ts";
import "../../nest/other-servers-ws.spec.ts";
import "../../upgrade/malformed.spec.ts";
import "../../upgrade/origin-nginx.spec.ts";
import "../../upgrade/origin.spec.ts";
