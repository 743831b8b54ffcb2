import { register } from "./index";

register();
