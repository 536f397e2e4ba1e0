import sys, time, warnings, collections
warnings.simplefilter("ignore")
import torch, transformers
transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
from tests.models.sweep.classes import swept
from tests.models.sweep.configs import tiny_config
from tests.models.sweep.exceptions import EXCEPTIONS
ex={k:v[0] for k,v in EXCEPTIONS.items()}
t0=time.time(); n=0; bad=[]
big=[]
for name,each in swept().items():
    if len(sys.argv)>1 and name not in sys.argv[1:]: continue
    n+=1
    t=time.time()
    try:
        config=tiny_config(getattr(transformers,each.config_class),ex,each.settings)
        with torch.device("meta"):
            m=getattr(transformers,each.class_name)._from_config(config, attn_implementation="eager")
        p=m.num_parameters()
        if p>300000: big.append((name,p))
    except BaseException as e:
        import traceback
        fr=traceback.extract_tb(e.__traceback__)[-1]
        bad.append((name,each.kind,type(e).__name__,str(e)[:160].replace("\n"," "),fr.filename.split("/")[-1],fr.lineno))
    if time.time()-t>3: print("slow",name,time.time()-t)
print(n,time.time()-t0,len(bad))
for b in bad: print(b)
print(collections.Counter(e.kind for e in swept().values()))
for b in sorted(big,key=lambda x:-x[1]): print(b)
